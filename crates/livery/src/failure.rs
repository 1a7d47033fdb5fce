//! How a command ends: with which exit code, and with which words on standard error.

use crate::ui::style::Style;
use livery_api::Error as ApiError;
use livery_content::ContentError;
use livery_units::text::printable;
use std::fmt;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It did what was asked.
    Done,
    /// It did what was asked, and what it ran ended with this code.
    Code(u8),
    /// It did what was asked, and the answer is bad news: exit code 1 without a further word.
    BadNews,
}

/// An error with a hint; `blame` decides the exit code.
#[derive(Debug)]
pub struct Failure {
    blame: Blame,
    message: String,
    hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blame {
    User,
    Us,
}

impl Failure {
    /// Makes an error that is the user's mistake: exit code 2.
    pub fn mistake(message: impl Into<String>) -> Self {
        Self::new(Blame::User, message.into())
    }

    /// Makes any other error: exit code 1.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Blame::Us, message.into())
    }

    fn new(blame: Blame, message: String) -> Self {
        Self {
            blame,
            message,
            hint: None,
        }
    }

    /// Adds what to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Prints what went wrong, if anything, and returns the exit code.
pub fn finish(result: anyhow::Result<Ending>) -> ExitCode {
    match result {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Code(code)) => ExitCode::from(code),
        Ok(Ending::BadNews) => ExitCode::FAILURE,
        // Whoever read our output has seen enough: `livery pods | head -1` is no error.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::from(exit_code(&error))
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|io| io.kind() == ErrorKind::BrokenPipe)
}

/// Prints an error with its code, the chain of its causes and its hint.
pub fn report(error: &anyhow::Error) {
    let style = Style::stderr();
    let (code, hint) = code_and_hint(error);
    let code = code.map_or(String::new(), |code| format!("[{code}]"));
    let mut said = error.to_string();
    // Whatever it quotes, it must not steer the terminal.
    let mut text = format!(
        "{}: {}\n",
        style.bad(&format!("error{code}")),
        printable(&said)
    );
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !said.contains(&cause) {
            text.push_str(&format!("  because: {}\n", printable(&cause)));
            said.push_str(&cause);
        }
    }
    if let Some(hint) = hint {
        text.push_str(&format!("{}: {}\n", style.info("hint"), printable(&hint)));
    }
    // Nobody is left to tell when standard error is gone.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn code_and_hint(error: &anyhow::Error) -> (Option<String>, Option<String>) {
    for cause in error.chain() {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return (None, failure.hint.clone());
        }
        if let Some(api) = cause.downcast_ref::<ApiError>() {
            return (Some(api.code().to_owned()), api.hint());
        }
    }
    (None, None)
}

/// 2 when the user can mend it by asking for something else, 1 for everything else.
fn exit_code(error: &anyhow::Error) -> u8 {
    const USER: u8 = 2;
    const US: u8 = 1;
    for cause in error.chain() {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return match failure.blame {
                Blame::User => USER,
                Blame::Us => US,
            };
        }
        if let Some(error) = cause.downcast_ref::<ContentError>()
            && is_the_users(error)
        {
            return USER;
        }
        if let Some(ApiError::Refused { status, .. }) = cause.downcast_ref::<ApiError>() {
            return match status {
                400 | 404 | 405 | 409 | 413 | 422 => USER,
                _ => US,
            };
        }
    }
    US
}

/// Whether a tree cannot be sent because of what its owner put into it.
fn is_the_users(error: &ContentError) -> bool {
    matches!(
        error,
        ContentError::EscapingSymlink { .. }
            | ContentError::SpecialFile { .. }
            | ContentError::InvalidPath { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use livery_api::Problem;

    fn refused(status: u16) -> anyhow::Error {
        let problem = Problem {
            code: "POD001".into(),
            message: "there is no pod `x`".into(),
            hint: None,
        };
        anyhow::Error::from(ApiError::Refused { status, problem }).context("cannot stop the pod")
    }

    #[test]
    fn the_users_mistakes_exit_with_2_and_failures_with_1() {
        assert_eq!(exit_code(&Failure::mistake("x").into()), 2);
        assert_eq!(exit_code(&Failure::failed("x").into()), 1);
        assert_eq!(exit_code(&refused(404)), 2);
        assert_eq!(exit_code(&refused(503)), 1);
        assert_eq!(exit_code(&anyhow::anyhow!("x")), 1);
    }

    #[test]
    fn codes_and_hints_are_found_under_context() {
        assert_eq!(code_and_hint(&refused(404)).0.as_deref(), Some("POD001"));
        let failure = anyhow::Error::from(Failure::failed("x").hint("y")).context("z");
        assert_eq!(code_and_hint(&failure).1.as_deref(), Some("y"));
    }
}
