//! Every error leaves as a `Problem` with a status for its meaning.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use livery_api::{Code, Problem};
use livery_engine::{CreditError, Error, NotifyError, VolumeRefusal};

/// An error on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: StatusCode,
    problem: Problem,
}

impl Refusal {
    /// Makes an error of the API's own.
    pub(crate) fn new(status: StatusCode, code: Code, message: &str) -> Self {
        Self {
            status,
            problem: Problem {
                code: code.as_str().to_owned(),
                message: message.to_owned(),
                hint: None,
            },
        }
    }

    /// Adds what to do next.
    pub(crate) fn hint(mut self, hint: &str) -> Self {
        self.problem.hint = Some(hint.to_owned());
        self
    }

    /// Makes the error of a body or query that is not what the route takes.
    pub(crate) fn bad_request(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Code::BadRequest, message)
    }

    /// Makes the error of a body, query or path that could not be read.
    pub(crate) fn unreadable(status: StatusCode, why: &str) -> Self {
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => {
                let message = "the body is longer than this route takes";
                Self::new(status, Code::TooLarge, message)
            }
            _ => Self::bad_request(why),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            tracing::warn!(code = self.problem.code, "{}", self.problem.message);
        }
        (self.status, axum::Json(self.problem)).into_response()
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::PodNotFound(_) | Error::RunNotFound(_) | Error::NoResults { .. } => {
                StatusCode::NOT_FOUND
            }
            Error::OrphanNotFound(_) => StatusCode::NOT_FOUND,
            Error::PodAmbiguous { .. } | Error::PodPhase { .. } | Error::NoOffer { .. } => {
                StatusCode::CONFLICT
            }
            Error::ContentMissing { .. } | Error::ContentQuota(_) | Error::ServesRun { .. } => {
                StatusCode::CONFLICT
            }
            Error::Market(_) | Error::BudgetTooSmall(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::Invalid(_) | Error::JobFile(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::OwnersImage(_) | Error::Registry(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::LoginNotFound(_) => StatusCode::NOT_FOUND,
            Error::DockerConfig { .. } => StatusCode::CONFLICT,
            Error::InsufficientFunds { .. } => StatusCode::PAYMENT_REQUIRED,
            Error::Credit(error) => of_credit(error),
            Error::Volume(error) => of_volume(error),
            Error::Unreachable(_) => StatusCode::BAD_GATEWAY,
            Error::Elsewhere { .. } => StatusCode::MISDIRECTED_REQUEST,
            Error::Notify(error) => of_notify(error),
            Error::ChannelNotFound(_) => StatusCode::NOT_FOUND,
            Error::ChannelExists(_) => StatusCode::CONFLICT,
            Error::DatabaseAway(_) | Error::DatabaseBusy(_) => StatusCode::SERVICE_UNAVAILABLE,
            Error::DiskFull(_) => StatusCode::INSUFFICIENT_STORAGE,
            Error::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self {
            status,
            problem: Problem {
                code: error.code().to_owned(),
                message: error.to_string(),
                hint: error.hint().map(str::to_owned),
            },
        }
    }
}

fn of_volume(error: &VolumeRefusal) -> StatusCode {
    match error {
        VolumeRefusal::NotFound(_) => StatusCode::NOT_FOUND,
        VolumeRefusal::Invalid(_) | VolumeRefusal::TwoDisks => StatusCode::UNPROCESSABLE_ENTITY,
        VolumeRefusal::NameTaken(_)
        | VolumeRefusal::InUse { .. }
        | VolumeRefusal::NotThere { .. }
        | VolumeRefusal::Growing { .. }
        | VolumeRefusal::Elsewhere { .. }
        | VolumeRefusal::NoPlace { .. } => StatusCode::CONFLICT,
    }
}

fn of_notify(error: &NotifyError) -> StatusCode {
    match error {
        NotifyError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        NotifyError::Forbidden(_) => StatusCode::FORBIDDEN,
        NotifyError::Unreachable(_) | NotifyError::Busy { .. } => StatusCode::BAD_GATEWAY,
        NotifyError::Refused(_) => StatusCode::BAD_GATEWAY,
    }
}

fn of_credit(error: &CreditError) -> StatusCode {
    match error {
        CreditError::OutOfCredit { .. } | CreditError::Limit { .. } => StatusCode::PAYMENT_REQUIRED,
        CreditError::AccountNotFound(_) | CreditError::VoucherUnknown => StatusCode::NOT_FOUND,
        CreditError::AccountExists(_)
        | CreditError::PaymentDiffers(_)
        | CreditError::VoucherUsed { .. } => StatusCode::CONFLICT,
        CreditError::AutoPayNotAllowed { .. } => StatusCode::FORBIDDEN,
        CreditError::AccountName(_)
        | CreditError::TopUpTooSmall(_)
        | CreditError::TopUpTooLarge(_) => StatusCode::UNPROCESSABLE_ENTITY,
        CreditError::VoucherCount(_) | CreditError::AutoPayAboveCap { .. } => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        CreditError::Setting(_) | CreditError::Period(_) => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// The content store's errors: the sender's mistakes are told apart from our disk's troubles.
impl From<livery_content::ContentError> for Refusal {
    fn from(error: livery_content::ContentError) -> Self {
        use livery_content::ContentError as Content;
        match &error {
            Content::BadFrame(_) | Content::TooLarge(_) | Content::HashMismatch { .. } => {
                Self::bad_request(&error.to_string())
            }
            Content::Undecodable { .. } => Self::bad_request(&error.to_string()),
            _ => Self::from(Error::from(error)),
        }
    }
}
