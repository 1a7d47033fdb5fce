//! Who commands run as, looked up in the pod's own `/etc/passwd` and `/etc/group`.

use super::files;

/// A user as the kernel knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub uid: u32,
    pub gid: u32,
    pub groups: Vec<u32>,
    pub home: String,
}

/// Reads the pod's user tables and finds `user` in them.
pub(super) fn find(user: &str) -> Result<Identity, String> {
    let passwd = files::read("/etc/passwd").unwrap_or_default();
    let group = files::read("/etc/group").unwrap_or_default();
    resolve(user, &passwd, &group)
}

/// Finds `name`, `number`, `user:group` (either as name or number) in the two tables.
///
/// A number needs no entry, as with Docker; it then belongs to group 0 and lives in `/`.
fn resolve(user: &str, passwd: &str, group: &str) -> Result<Identity, String> {
    let (name, group_name) = match user.split_once(':') {
        Some((name, group_name)) => (name, Some(group_name)),
        None => (user, None),
    };
    let name = if name.is_empty() { "root" } else { name };
    let entry = passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [login, _, uid, gid, _, home, ..] = fields[..] else {
            return None;
        };
        let (uid, gid): (u32, u32) = (uid.parse().ok()?, gid.parse().ok()?);
        (login == name || name.parse() == Ok(uid)).then_some((login, uid, gid, home))
    });
    let (login, uid, primary, home) = match (entry, name.parse()) {
        (Some(entry), _) => entry,
        (None, Ok(uid)) => ("", uid, 0, "/"),
        (None, Err(_)) if name == "root" => ("root", 0, 0, "/root"),
        (None, Err(_)) => return Err(format!("the image has no user `{name}`")),
    };
    let gid = match group_name {
        Some(wanted) => find_group(wanted, group)?,
        None => primary,
    };
    let mut groups: Vec<u32> = match group_name {
        Some(_) => Vec::new(),
        None => memberships(login, group),
    };
    if !groups.contains(&gid) {
        groups.push(gid);
    }
    Ok(Identity {
        uid,
        gid,
        groups,
        home: home.to_owned(),
    })
}

fn find_group(wanted: &str, table: &str) -> Result<u32, String> {
    let entry = table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let gid: u32 = fields.nth(1)?.parse().ok()?;
        (name == wanted).then_some(gid)
    });
    entry
        .or_else(|| wanted.parse().ok())
        .ok_or_else(|| format!("the image has no group `{wanted}`"))
}

fn memberships(login: &str, table: &str) -> Vec<u32> {
    table
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let [_, _, gid, members] = fields[..] else {
                return None;
            };
            let member = !login.is_empty() && members.split(',').any(|one| one == login);
            member.then(|| gid.parse().ok()).flatten()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1001::/home/ann:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nann:x:1001:\nvideo:x:44:ann,bob\nstaff:x:50:bob\n";

    fn ids(user: &str) -> (u32, u32, Vec<u32>, String) {
        let found = resolve(user, PASSWD, GROUP).unwrap();
        (found.uid, found.gid, found.groups, found.home)
    }

    #[test]
    fn names_numbers_and_groups_are_found() {
        assert_eq!(ids(""), (0, 0, vec![0], "/root".to_owned()));
        assert_eq!(
            ids("ann"),
            (1000, 1001, vec![44, 1001], "/home/ann".to_owned())
        );
        assert_eq!(
            ids("1000"),
            (1000, 1001, vec![44, 1001], "/home/ann".to_owned())
        );
        assert_eq!(
            ids("ann:staff"),
            (1000, 50, vec![50], "/home/ann".to_owned())
        );
        assert_eq!(ids("7:9"), (7, 9, vec![9], "/".to_owned()));
    }

    #[test]
    fn an_image_without_tables_still_has_root() {
        assert_eq!(resolve("root", "", "").unwrap().uid, 0);
    }

    #[test]
    fn unknown_names_are_refused() {
        assert!(resolve("eve", PASSWD, GROUP).is_err());
        assert!(resolve("ann:eves", PASSWD, GROUP).is_err());
    }
}
