//! Who may use which image: what is of the machine itself is for the control plane's owner alone.

use crate::error::Error;
use crate::services::Services;
use livery_domain::job::Job;
use livery_store::Credit;
use livery_units::AccountId;

/// The machine's own system as an image, as job files and `livery pod create` name it.
pub(crate) const HOST: &str = "host";

/// What begins the name of an image that is a file of the machine.
const FILES: [&str; 2] = ["oci:", "docker-archive:"];

/// Refuses an image, as a pod's order has it, that the account may not use.
pub(super) async fn check_image(
    services: &Services,
    account: &AccountId,
    image: &str,
) -> Result<(), Error> {
    check(services, account, [image]).await
}

/// Refuses a job of which any alternative has an image that the account may not use, so that it is
/// told before anything is rented.
pub(crate) async fn check_images(
    services: &Services,
    account: &AccountId,
    job: &Job,
) -> Result<(), Error> {
    let alternatives = job.resources.as_slice().iter();
    let images = alternatives.map(|resources| resources.image.as_deref().unwrap_or(HOST));
    check(services, account, images).await
}

async fn check(
    services: &Services,
    account: &AccountId,
    images: impl IntoIterator<Item = &str>,
) -> Result<(), Error> {
    let Some(image) = images.into_iter().find(|image| is_the_machines(image)) else {
        return Ok(());
    };
    match services.store.account_fetch(account).await?.credit {
        Credit::Owner => Ok(()),
        Credit::Prepaid => Err(Error::OwnersImage(image.to_owned())),
    }
}

/// Whether an image shows what is on the machine: its own system, or a file that root reads there.
fn is_the_machines(image: &str) -> bool {
    image == HOST || FILES.iter().any(|scheme| image.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_of_the_machine_are_told_from_those_of_registries() {
        let read = |text: &str| livery_jobfile::read_image(text).unwrap();
        for text in [
            "host",
            "docker:host",
            "oci:/srv/image:1",
            "docker:oci:/srv/image",
            "docker-archive:/srv/image.tar",
        ] {
            assert!(is_the_machines(&read(text)), "{text}");
        }
        for text in [
            "ubuntu:24.04",
            "docker:ubuntu:24.04",
            "host:latest",
            "docker.io/library/host",
            "localhost:5000/oci:1",
        ] {
            assert!(!is_the_machines(&read(text)), "{text}");
        }
        // Other names of files are no images to begin with.
        for text in [
            " host",
            "host ",
            "oci-archive:/srv/image.tar",
            "/srv/image.tar",
        ] {
            assert!(livery_jobfile::read_image(text).is_err(), "{text}");
        }
    }
}
