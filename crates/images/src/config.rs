//! What an image says about how it wants to run.

use std::fmt;

use oci_spec::image::ImageConfiguration;

/// How an image wants to run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageConfig {
    /// Environment, in the image's order.
    pub env: Vec<(String, String)>,
    /// The fixed part of the start command.
    pub entrypoint: Vec<String>,
    /// The part that a user's command replaces.
    pub cmd: Vec<String>,
    /// The directory to start in; empty for `/`.
    pub workdir: String,
    /// `user`, `uid`, `user:group` or `uid:gid`; empty for root.
    pub user: String,
    /// Ports that the image serves.
    pub exposed_ports: Vec<ExposedPort>,
}

/// A port that an image serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExposedPort {
    /// Its number.
    pub port: u16,
    /// TCP or UDP.
    pub protocol: Protocol,
}

/// What a port speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// A byte stream.
    Tcp,
    /// Datagrams.
    Udp,
}

/// A CUDA version, as far as drivers are told apart by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CudaVersion {
    /// The 12 of 12.4.
    pub major: u32,
    /// The 4 of 12.4.
    pub minor: u32,
}

impl ImageConfig {
    /// Reads what matters out of an image's configuration.
    pub(crate) fn read(image: &ImageConfiguration) -> Self {
        let Some(config) = image.config() else {
            return Self::default();
        };
        let env = config.env().iter().flatten();
        let ports = config.exposed_ports().iter().flatten();
        Self {
            env: env
                .filter_map(|entry| entry.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            entrypoint: config.entrypoint().clone().unwrap_or_default(),
            cmd: config.cmd().clone().unwrap_or_default(),
            workdir: config.working_dir().clone().unwrap_or_default(),
            user: config.user().clone().unwrap_or_default(),
            exposed_ports: ports.filter_map(|port| parse_port(port)).collect(),
        }
    }

    /// The CUDA version that the host's driver has to support, if the image says one.
    ///
    /// `NVIDIA_REQUIRE_CUDA` lists alternatives, of which the mildest counts, as NVIDIA's own
    /// container tools take it; `CUDA_VERSION` is what the image was built with.
    pub(crate) fn cuda_required(&self) -> Option<CudaVersion> {
        if self.value("NVIDIA_DISABLE_REQUIRE").is_some() {
            return None;
        }
        let stated = self
            .value("NVIDIA_REQUIRE_CUDA")
            .into_iter()
            .flat_map(|text| text.split([' ', ',']))
            .filter_map(|condition| parse_cuda(condition.strip_prefix("cuda>=")?))
            .min();
        stated.or_else(|| parse_cuda(self.value("CUDA_VERSION")?))
    }

    fn value(&self, name: &str) -> Option<&str> {
        let found = self.env.iter().rev().find(|(key, _)| key == name)?;
        Some(found.1.as_str()).filter(|value| !value.is_empty())
    }
}

impl fmt::Display for CudaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

fn parse_cuda(text: &str) -> Option<CudaVersion> {
    let mut numbers = text.split('.');
    Some(CudaVersion {
        major: numbers.next()?.parse().ok()?,
        minor: numbers.next().unwrap_or("0").parse().ok()?,
    })
}

fn parse_port(text: &str) -> Option<ExposedPort> {
    let (port, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = match protocol {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        _ => return None,
    };
    let port = port.parse().ok()?;
    Some(ExposedPort { port, protocol })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuda(env: &[(&str, &str)]) -> Option<String> {
        let env = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let config = ImageConfig {
            env: env.collect(),
            ..ImageConfig::default()
        };
        config.cuda_required().map(|version| version.to_string())
    }

    #[test]
    fn the_mildest_cuda_requirement_counts() {
        let stated = "cuda>=12.4 brand=tesla,driver>=470,driver<471 brand=unknown,cuda>=11.8";
        assert_eq!(
            cuda(&[("NVIDIA_REQUIRE_CUDA", stated)]),
            Some("11.8".to_owned())
        );
        assert_eq!(
            cuda(&[("CUDA_VERSION", "12.1.105")]),
            Some("12.1".to_owned())
        );
        assert_eq!(
            cuda(&[("CUDA_VERSION", "12.1"), ("NVIDIA_DISABLE_REQUIRE", "1")]),
            None
        );
        assert_eq!(cuda(&[("PATH", "/bin")]), None);
    }

    #[test]
    fn a_configuration_is_read() {
        let json = r#"{"architecture":"amd64","os":"linux","created":"2024-01-01T00:00:00Z",
            "config":{"User":"1000:1000","Env":["A=b=c","BROKEN"],"Cmd":["sh"],
            "WorkingDir":"/srv","ExposedPorts":{"8888/tcp":{},"53/udp":{},"x":{}}},
            "rootfs":{"type":"layers","diff_ids":[]}}"#;
        let config = ImageConfig::read(&serde_json::from_str(json).unwrap());
        assert_eq!(config.env, [("A".to_owned(), "b=c".to_owned())]);
        assert_eq!(
            (config.user.as_str(), config.workdir.as_str()),
            ("1000:1000", "/srv")
        );
        assert_eq!(config.cmd, ["sh"]);
        let mut ports: Vec<u16> = config.exposed_ports.iter().map(|p| p.port).collect();
        ports.sort_unstable();
        assert_eq!(ports, [53, 8888]);
    }
}
