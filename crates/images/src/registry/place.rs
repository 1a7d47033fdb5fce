//! One server that has an image: proves who asks, follows redirects, judges every address.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, LOCATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use livery_web::{Answer, Client, Reach, Request, Scheme, Url};

use super::answer::{Who, bad_address, unanswered};
use super::challenge::Challenge;
use super::settings::Registries;
use crate::Error;
use livery_domain::registry::Credentials;

/// How many times an answer may lead to another server.
const REDIRECTS_MAX: usize = 5;

/// What is read of a redirect's own text, in bytes, and for how long.
const REDIRECT_TEXT_MAX: usize = 4 << 10;
const REDIRECT_TEXT_TIMEOUT: Duration = Duration::from_secs(1);

/// A token that lets one pull is some kilobytes; so is what it comes in.
const TOKEN_ANSWER_MAX: usize = 256 << 10;

/// A registry or a mirror of it, as it is asked for one image.
pub(super) struct Place {
    /// Which registry the image names, and what must not be repeated of what servers say.
    pub who: Who,
    base: Url,
    repository: String,
    /// Who we are to it; to a mirror we are nobody.
    credentials: Option<Credentials>,
    /// Which addresses may be connected to, besides those that the owner allows.
    reach: Reach,
    registries: Registries,
    /// What it wants to see with every request, once it has said so.
    authorization: Mutex<Option<HeaderValue>>,
    client: Client,
}

/// What hands a token out.
#[derive(serde::Deserialize)]
struct TokenAnswer {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
}

impl Place {
    pub fn new(
        who: Who,
        base: Url,
        repository: &str,
        credentials: Option<Credentials>,
        reach: Reach,
        registries: Registries,
    ) -> Self {
        Self {
            who,
            base,
            repository: repository.to_owned(),
            credentials,
            reach,
            registries,
            authorization: Mutex::default(),
            client: Client::default(),
        }
    }

    /// Asks for something of the image, such as `manifests/latest`; any answer but that something
    /// is there is an error.
    pub async fn ask(
        &self,
        method: Method,
        what: &str,
        headers: HeaderMap,
    ) -> Result<Answer, Error> {
        let path = format!("/v2/{}/{what}", self.repository);
        let url = self
            .base
            .with_path(&path)
            .map_err(|e| bad_address(&self.who, &e))?;
        let proved = self.authorization();
        let (answer, from) = self
            .follow(&method, &url, &headers, proved.as_ref())
            .await?;
        let is_challenge = answer.status == StatusCode::UNAUTHORIZED;
        if !is_challenge || !from.has_origin_of(&self.base) {
            return self.judge(answer).await;
        }
        // It has not seen who we are yet, or what we showed is too old.
        let Some(proof) = self.prove(&answer.headers).await? else {
            return self.judge(answer).await;
        };
        self.set_authorization(proof.clone());
        let (answer, _) = self.follow(&method, &url, &headers, Some(&proof)).await?;
        self.judge(answer).await
    }

    /// Says that an answer broke off or was too long.
    pub fn broken(&self, error: livery_web::Error) -> Error {
        unanswered(&self.who, &self.base, error)
    }

    async fn judge(&self, answer: Answer) -> Result<Answer, Error> {
        let shown = self.authorization();
        let shown = shown.as_ref().and_then(|value| value.to_str().ok());
        let token = shown
            .and_then(|text| text.split_once(' '))
            .map(|(_, token)| token);
        self.who.judge(answer, token).await
    }

    /// Follows redirects, and returns the answer with who gave it. Who we are is shown to the
    /// place itself alone.
    async fn follow(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        proved: Option<&HeaderValue>,
    ) -> Result<(Answer, Url), Error> {
        let mut url = url.clone();
        let first = url.clone();
        for _ in 0..=REDIRECTS_MAX {
            let mut headers = headers.clone();
            if let Some(proved) = proved.filter(|_| url.has_origin_of(&first)) {
                headers.insert(AUTHORIZATION, proved.clone());
            }
            let request = Request {
                method: method.clone(),
                url: url.clone(),
                headers,
                body: bytes::Bytes::new(),
            };
            let reach = match self.registries.is_allowed(&url) {
                true => Reach::Anywhere,
                false => self.reach,
            };
            let answer = self.client.send(&request, reach).await;
            let answer = answer.map_err(|error| unanswered(&self.who, &url, error))?;
            let onward = answer
                .headers
                .get(LOCATION)
                .filter(|_| answer.status.is_redirection());
            let Some(location) = onward.and_then(|value| value.to_str().ok()) else {
                return Ok((answer, url));
            };
            let next = url.join(location).map_err(|e| bad_address(&self.who, &e))?;
            if url.scheme() == Scheme::Https && next.scheme() == Scheme::Http {
                return Err(self
                    .who
                    .failed(format!("it leads to {next}, which is not encrypted")));
            }
            // Its text is of no use; its connection is.
            answer
                .body
                .beginning(REDIRECT_TEXT_MAX, REDIRECT_TEXT_TIMEOUT)
                .await;
            url = next;
        }
        Err(self
            .who
            .failed(format!("it leads on more than {REDIRECTS_MAX} times")))
    }

    /// Returns what a challenge asks for, if we have it.
    async fn prove(&self, headers: &HeaderMap) -> Result<Option<HeaderValue>, Error> {
        let challenges = headers.get_all(WWW_AUTHENTICATE).into_iter();
        let texts = challenges.filter_map(|value| value.to_str().ok());
        match Challenge::pick(texts) {
            None => Ok(None),
            Some(Challenge::Basic) => Ok(self.basic()),
            Some(Challenge::Bearer {
                realm,
                service,
                scope,
            }) => self.token(&realm, service, scope).await.map(Some),
        }
    }

    /// Has a token handed out: for our name and password, or for nobody.
    async fn token(
        &self,
        realm: &str,
        service: Option<String>,
        scope: Option<String>,
    ) -> Result<HeaderValue, Error> {
        let scope = scope.unwrap_or_else(|| format!("repository:{}:pull", self.repository));
        let mut query = vec![("scope", scope)];
        query.extend(service.map(|service| ("service", service)));
        let query = serde_urlencoded::to_string(query);
        let query = query.map_err(|error| self.who.failed(error.to_string()))?;
        let mark = if realm.contains('?') { '&' } else { '?' };
        let url = self.base.join(&format!("{realm}{mark}{query}"));
        let url = url.map_err(|e| bad_address(&self.who, &e))?;
        // The registry chooses the realm, so that it may have the password; but nobody on the way to
        // another server may.
        let is_safe = url.scheme() == Scheme::Https || url.has_origin_of(&self.base);
        let proof = self.basic().filter(|_| is_safe);
        if self.credentials.is_some() && !is_safe {
            let why = format!("it wants the password sent to {url}, which is not encrypted");
            return Err(self.who.failed(why));
        }
        let (method, headers) = (Method::GET, HeaderMap::new());
        let (answer, _) = self.follow(&method, &url, &headers, proof.as_ref()).await?;
        let answer = self.who.judge(answer, None).await?;
        let bytes = answer.body.whole(TOKEN_ANSWER_MAX).await;
        let bytes = bytes.map_err(|error| unanswered(&self.who, &url, error))?;
        let useless = || {
            self.who
                .failed("it hands out no token that can be used".to_owned())
        };
        let found: TokenAnswer = serde_json::from_slice(&bytes).map_err(|_| useless())?;
        let token = match found.token.is_empty() {
            true => found.access_token,
            false => found.token,
        };
        let value = HeaderValue::from_str(&format!("Bearer {token}")).ok();
        let mut value = value.filter(|_| !token.is_empty()).ok_or_else(useless)?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn basic(&self) -> Option<HeaderValue> {
        let known = self.credentials.as_ref()?;
        let pair = format!("{}:{}", known.username, known.password.expose());
        let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair))).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    fn authorization(&self) -> Option<HeaderValue> {
        let known = self.authorization.lock();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_authorization(&self, value: HeaderValue) {
        let mut known = self
            .authorization
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *known = Some(value);
    }
}
