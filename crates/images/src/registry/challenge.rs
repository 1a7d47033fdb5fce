//! What a registry says about how to prove who one is (`WWW-Authenticate`).

/// One way to prove who one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// By name and password with every request.
    Basic,
    /// By a token, which another server hands out.
    Bearer {
        /// Where it is handed out.
        realm: String,
        /// For whom.
        service: Option<String>,
        /// For what.
        scope: Option<String>,
    },
}

impl Challenge {
    /// Picks from a header's texts what we can answer; tokens are preferred.
    pub fn pick<'a>(headers: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut found = None;
        for header in headers {
            for (scheme, parameters) in read(header) {
                let get = |key: &str| {
                    let named = |(name, _): &&(String, String)| name.eq_ignore_ascii_case(key);
                    parameters
                        .iter()
                        .find(named)
                        .map(|(_, value)| value.clone())
                };
                if scheme.eq_ignore_ascii_case("bearer")
                    && let Some(realm) = get("realm")
                {
                    return Some(Self::Bearer {
                        realm,
                        service: get("service"),
                        scope: get("scope"),
                    });
                }
                if scheme.eq_ignore_ascii_case("basic") {
                    found = Some(Self::Basic);
                }
            }
        }
        found
    }
}

/// Splits `Scheme name=value, name="value", Scheme …`. What makes no sense is passed over.
fn read(header: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut challenges: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mut rest = header.trim_start_matches([' ', ',']);
    while !rest.is_empty() {
        let end = rest.find([' ', ',', '=']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = match after.strip_prefix('=') {
            None => {
                challenges.push((word.to_owned(), Vec::new()));
                after
            }
            Some(after) => {
                let (value, after) = value(after);
                if let Some((_, parameters)) = challenges.last_mut() {
                    parameters.push((word.to_owned(), value));
                }
                after
            }
        };
        rest = rest.trim_start_matches([' ', ',']);
    }
    challenges
}

/// Takes a value, quoted or not, and returns it with what follows.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([' ', ',']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read_as_registries_write_them() {
        let bearer = |realm: &str, service: Option<&str>, scope: Option<&str>| Challenge::Bearer {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
            scope: scope.map(str::to_owned),
        };
        for (header, wanted) in [
            (
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#,
                Some(bearer(
                    "https://auth.docker.io/token",
                    Some("registry.docker.io"),
                    Some("repository:a/b:pull,push"),
                )),
            ),
            (r#"Basic realm="test""#, Some(Challenge::Basic)),
            ("basic", Some(Challenge::Basic)),
            (
                r#"Basic realm="a, Bearer b", BEARER Realm=https://x/t"#,
                Some(bearer("https://x/t", None, None)),
            ),
            (r#"Bearer realm="a\"b"#, Some(bearer("a\"b", None, None))),
            ("Bearer", None),
            ("Negotiate abc==", None),
            ("", None),
            ("=,=\"", None),
        ] {
            assert_eq!(Challenge::pick([header]), wanted, "{header}");
        }
        let both = ["Basic realm=x", "Bearer realm=y"];
        assert_eq!(Challenge::pick(both), Some(bearer("y", None, None)));
    }
}
