//! Names, images and paths.

use crate::amounts::Trouble;
use crate::code::Code;
use crate::tree::brief;
use livery_domain::job::{OutputPattern, OutputPatternError, PodPath, PodPathError};
use livery_domain::offer::SupplierName;
use livery_units::text;
use std::path::PathBuf;

const NAME_LENGTH_MAX: usize = 63;
const IMAGE_LENGTH_MAX: usize = 512;

/// Reads a job's name.
pub(crate) fn name(text: &str) -> Result<String, Trouble> {
    let starts = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts && text.len() <= NAME_LENGTH_MAX && text.chars().all(is_name_char) {
        return Ok(text.to_owned());
    }
    let hint = format!(
        "use letters, digits, `-`, `_` and `.`, beginning with a letter or digit; at most {NAME_LENGTH_MAX}"
    );
    Err(Trouble::bad(
        format!("`{}` is not a name for a job", brief(text)),
        hint,
    ))
}

/// Makes a job's name out of its file's name.
pub(super) fn name_of_file(file_name: &str) -> String {
    let file = file_name.rsplit('/').next().unwrap_or(file_name);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let clean: String = stem
        .chars()
        .map(|c| if is_name_char(c) { c } else { '-' })
        .skip_while(|c| !c.is_ascii_alphanumeric())
        .take(NAME_LENGTH_MAX)
        .collect();
    if clean.is_empty() {
        "job".to_owned()
    } else {
        clean
    }
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// Reads an image as pod orders take it: SkyPilot's `docker:` goes away.
pub(crate) fn image(text: &str) -> Result<String, Trouble> {
    let hint = "name a container image such as `docker:ubuntu:22.04`, or `host` for this machine's own system";
    for foreign in ["ami-", "skypilot:", "projects/", "ocid1."] {
        if text.starts_with(foreign) {
            let message = format!(
                "`{}` is a virtual machine's image; pods run containers",
                brief(text)
            );
            return Err(Trouble {
                code: Code::ForeignKey,
                message,
                hint: hint.to_owned(),
            });
        }
    }
    let image = text.strip_prefix("docker:").unwrap_or(text);
    let schemes = ["oci:", "docker-archive:"];
    let path = schemes.iter().find_map(|scheme| image.strip_prefix(scheme));
    if path.is_some_and(|path| !path.is_empty() && !path.starts_with('/')) {
        return Err(Trouble::bad(
            format!("`{}` is a relative path", brief(text)),
            "the machine that runs the pod reads it, so write the whole path, beginning with `/`",
        ));
    }
    let is_good = match path {
        Some(path) => !path.is_empty() && !path.contains(text::is_control),
        None => is_reference(image),
    };
    if is_good && image.len() <= IMAGE_LENGTH_MAX {
        return Ok(image.to_owned());
    }
    Err(Trouble::bad(
        format!("`{}` is not an image", brief(text)),
        hint,
    ))
}

/// Whether a text looks like a registry reference; the registry client knows the rest.
fn is_reference(text: &str) -> bool {
    let known = |c: char| is_name_char(c) || matches!(c, '/' | ':' | '@' | '+');
    let parts = text.split(['/', ':', '@']);
    !text.is_empty() && text.chars().all(known) && parts.into_iter().all(|part| !part.is_empty())
}

/// Reads the name of a supplier.
pub(super) fn supplier(text: &str) -> Result<SupplierName, Trouble> {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let starts = text.starts_with(|c: char| c.is_ascii_lowercase());
    if starts && text.len() <= NAME_LENGTH_MAX && text.chars().all(known) {
        return Ok(SupplierName::new(text));
    }
    let message = format!("`{}` is not a supplier's name", brief(text));
    Err(Trouble::bad(
        message,
        "suppliers have short lower-case names such as `local` or `runpod`",
    ))
}

/// Reads a path on the submitter's machine.
pub(super) fn local_path(text: &str) -> Result<PathBuf, Trouble> {
    no_variables(text)?;
    if let Some((scheme, _)) = text.split_once("://") {
        let message = format!("`{scheme}://` sources are not supported yet");
        let hint = "download the files on this machine, or in `setup`, and name a local path here";
        return Err(Trouble {
            code: Code::RemoteSource,
            message,
            hint: hint.to_owned(),
        });
    }
    if text.trim().is_empty() || text.contains(text::is_control) {
        let message = format!("`{}` is not a path", brief(text));
        return Err(Trouble::bad(
            message,
            "name a file or directory on this machine",
        ));
    }
    if text.starts_with('~') && text != "~" && !text.starts_with("~/") {
        let message = format!(
            "`{}` names somebody's home; only `~/` is known",
            brief(text)
        );
        return Err(Trouble::bad(message, "write the path out"));
    }
    Ok(PathBuf::from(text))
}

/// Reads a path inside the pod.
pub(super) fn pod_path(text: &str) -> Result<PodPath, Trouble> {
    no_variables(text)?;
    PodPath::parse(text).map_err(|error| {
        let code = match error {
            PodPathError::Climbs(_) | PodPathError::Root | PodPathError::Kernel(..) => {
                Code::Escapes
            }
            PodPathError::OtherHome(_) => Code::Escapes,
            PodPathError::Empty | PodPathError::Control(_) | PodPathError::TooLong(_) => {
                Code::BadValue
            }
        };
        let hint = "name a path inside the pod, such as /data or /workspace/data".to_owned();
        Trouble {
            code,
            message: error.to_string(),
            hint,
        }
    })
}

/// Reads a pattern for outputs.
pub(super) fn output(text: &str) -> Result<OutputPattern, Trouble> {
    no_variables(text)?;
    OutputPattern::parse(text).map_err(|error| {
        let code = match error {
            OutputPatternError::Outside(_) | OutputPatternError::Climbs(_) => Code::Escapes,
            OutputPatternError::Empty | OutputPatternError::Control(_) => Code::BadValue,
            OutputPatternError::Unbalanced(..) | OutputPatternError::TooLong(_) => Code::BadValue,
        };
        let hint = "name files under /workspace, such as output/** or *.safetensors".to_owned();
        Trouble {
            code,
            message: error.to_string(),
            hint,
        }
    })
}

/// SkyPilot's users may expect the shell's variables in paths.
fn no_variables(text: &str) -> Result<(), Trouble> {
    if text.contains("${") || text.starts_with('$') || text.contains("/$") {
        let message = format!("`{}`: variables are not expanded in paths", brief(text));
        return Err(Trouble::bad(message, "write the path out"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_always_makes_a_name() {
        for (file, job) in [
            ("job.yaml", "job"),
            ("examples/my job (2).yaml", "my-job--2-"),
            ("train.v2.yml", "train.v2"),
            ("-.yaml", "job"),
            ("", "job"),
            ("ü.yaml", "job"),
        ] {
            assert_eq!(name_of_file(file), job, "{file}");
            assert!(name(&name_of_file(file)).is_ok());
        }
    }

    #[test]
    fn images_are_told_from_what_is_none() {
        for (text, image_) in [
            ("docker:ubuntu:22.04", "ubuntu:22.04"),
            ("host", "host"),
            (
                "localhost:5000/a/b@sha256:00ff",
                "localhost:5000/a/b@sha256:00ff",
            ),
            ("oci:/my image:1", "oci:/my image:1"),
            ("docker-archive:/tmp/x.tar", "docker-archive:/tmp/x.tar"),
        ] {
            assert_eq!(image(text), Ok(image_.to_owned()));
        }
        for text in [
            "",
            "docker:",
            "a b",
            "oci:",
            "oci:./image",
            "docker-archive:x.tar",
            "a//b",
            "ubuntu:",
            "https://x/y",
            "ami-0123",
        ] {
            assert!(image(text).is_err(), "{text}");
        }
    }
}
