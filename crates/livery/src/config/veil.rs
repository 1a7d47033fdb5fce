//! Passwords in URLs, kept out of what is printed.

/// What stands for a password.
const MASK: &str = "***";

/// Returns a text with the passwords of URLs in it masked: `postgres://ada:***@host/db`, and
/// `?password=***`.
pub fn veiled(text: &str) -> String {
    masked_parameter(&masked_user(text))
}

/// Masks what is between the user's name and the `@` of every URL.
fn masked_user(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        // A password with a `/` in it is no good URL, and is a password all the same.
        let end = after.find(['?', '#', ' ', '"', '\'']);
        let authority = &after[..end.unwrap_or(after.len())];
        match authority
            .rsplit_once('@')
            .map(|(user, host)| (user.split_once(':'), host))
        {
            Some((Some((user, _)), host)) => out.push_str(&format!("{user}:{MASK}@{host}")),
            Some((None, _)) | None => out.push_str(authority),
        }
        rest = &after[authority.len()..];
    }
    out.push_str(rest);
    out
}

/// Masks the values of parameters whose name ends in `password`.
fn masked_parameter(text: &str) -> String {
    const NAME: &str = "password=";
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(NAME) {
        let (before, after) = rest.split_at(at + NAME.len());
        out.push_str(before);
        out.push_str(MASK);
        let end = after.find(['&', '#', ' ', '"', '\'']);
        rest = &after[end.unwrap_or(after.len())..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_masked_and_nothing_else_is() {
        for (text, shown) in [
            (
                "postgres://ada:pw@db/livery",
                "postgres://ada:***@db/livery",
            ),
            ("postgres://ada:p@ss:w@db", "postgres://ada:***@db"),
            ("postgres://ada:p/w@db/x", "postgres://ada:***@db/x"),
            ("postgres://ada@db/livery", "postgres://ada@db/livery"),
            (
                "postgres://db/x?user=a&password=b&host=c",
                "postgres://db/x?user=a&password=***&host=c",
            ),
            (
                "postgres://db/x?sslpassword=b",
                "postgres://db/x?sslpassword=***",
            ),
            (
                "database = \"postgres://a:b@h/d\" # ours",
                "database = \"postgres://a:***@h/d\" # ours",
            ),
            ("127.0.0.1:7070", "127.0.0.1:7070"),
            ("sqlite:/data/x.db", "sqlite:/data/x.db"),
        ] {
            assert_eq!(veiled(text), shown);
        }
    }
}
