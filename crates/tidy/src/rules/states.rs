//! How states are matched.

use crate::table::States;
use crate::{Finding, RustFile};
use syn::spanned::Spanned;
use syn::visit::Visit;

/// A `match` that names a state of a listed enum has no arm that catches the rest.
pub fn wildcards(file: &RustFile, states: &States) -> Vec<Finding> {
    let mut search = Search {
        path: &file.path,
        states,
        own: Vec::new(),
        findings: Vec::new(),
    };
    search.visit_file(file.product());
    search.findings
}

/// Every enum in the list exists, so that a renamed one does not slip out of the rule.
pub fn listed_exist(files: &[RustFile], states: &States) -> Vec<Finding> {
    let mut declared = Declared(Vec::new());
    for file in files {
        declared.visit_file(file.product());
    }
    states
        .enums
        .iter()
        .filter(|name| !declared.0.contains(name))
        .map(|name| {
            Finding::new(
                "floors.toml",
                1,
                format!("no enum is called `{name}`"),
                "Write its new name in [states], or remove it",
            )
        })
        .collect()
}

struct Declared(Vec<String>);

impl<'ast> Visit<'ast> for Declared {
    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.0.push(item.ident.to_string());
    }
}

struct Search<'a> {
    path: &'a str,
    states: &'a States,
    /// The types of the impl blocks around this place, innermost last: what `Self` means.
    own: Vec<String>,
    findings: Vec<Finding>,
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        self.own.push(last_name(&block.self_ty));
        syn::visit::visit_item_impl(self, block);
        self.own.pop();
    }

    fn visit_expr_match(&mut self, expression: &'ast syn::ExprMatch) {
        let mut named = Named {
            states: self.states,
            own: self.own.last(),
            found: None,
        };
        for arm in &expression.arms {
            named.visit_pat(&arm.pat);
        }
        if let Some(state) = named.found {
            for arm in expression.arms.iter().filter(|arm| catches_all(&arm.pat)) {
                self.findings.push(Finding::new(
                    self.path,
                    arm.span().start().line,
                    format!("a match over `{state}` has an arm that catches the rest"),
                    "Name the states it is for, so that a new state breaks the build here",
                ));
            }
        }
        syn::visit::visit_expr_match(self, expression);
    }
}

/// Looks for a path such as `Phase::Running` in a pattern.
struct Named<'a> {
    states: &'a States,
    own: Option<&'a String>,
    found: Option<String>,
}

impl<'ast> Visit<'ast> for Named<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let mut names = path
            .segments
            .iter()
            .rev()
            .map(|segment| segment.ident.to_string());
        let (Some(_variant), Some(holder)) = (names.next(), names.next()) else {
            return;
        };
        let holder = match (&*holder, self.own) {
            ("Self", Some(own)) => own.clone(),
            _ => holder,
        };
        if self.states.enums.contains(&holder) {
            self.found = Some(holder);
        }
    }
}

fn catches_all(pattern: &syn::Pat) -> bool {
    match pattern {
        syn::Pat::Wild(_) => true,
        // A lone lower-case name binds whatever comes; an upper-case one is a constant.
        syn::Pat::Ident(name) => match &name.subpat {
            Some((_, inner)) => catches_all(inner),
            None => name
                .ident
                .to_string()
                .starts_with(|c: char| c.is_lowercase() || c == '_'),
        },
        syn::Pat::Tuple(tuple) => tuple.elems.iter().all(catches_all),
        syn::Pat::Or(or) => or.cases.iter().any(catches_all),
        syn::Pat::Paren(inner) => catches_all(&inner.pat),
        syn::Pat::Reference(inner) => catches_all(&inner.pat),
        _ => false,
    }
}

fn last_name(ty: &syn::Type) -> String {
    match ty {
        syn::Type::Path(path) => path
            .path
            .segments
            .last()
            .map(|last| last.ident.to_string())
            .unwrap_or_default(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(body: &str) -> usize {
        let states = States {
            enums: vec!["Phase".into()],
        };
        wildcards(&RustFile::parse("a.rs", body).unwrap(), &states).len()
    }

    #[test]
    fn an_arm_that_catches_the_rest_is_found() {
        for arms in [
            "Phase::Up => 1, _ => 2",
            "pod::Phase::Up => 1, other => 2",
            "Some(Phase::Up) => 1, _ => 2",
            "(Phase::Up, 1) => 1, (_, _) => 2",
            "&Phase::Up => 1, &_ => 2",
            "Phase::Up => 1, rest @ _ => 2",
        ] {
            assert_eq!(
                found(&format!("fn f() {{ match v {{ {arms} }} }}")),
                1,
                "{arms}"
            );
        }
        let own = "impl Phase { fn f(self) { match self { Self::Up => 1, _ => 2 } } }";
        assert_eq!(found(own), 1);
    }

    #[test]
    fn a_match_that_names_every_state_is_left_alone() {
        for arms in [
            "Phase::Up | Phase::Down => 1, Phase::Lost => 2",
            "(Phase::Up, _) => 1, (Phase::Down, _) => 2",
            "Colour::Red => 1, _ => 2",
            "Some(Phase::Up) => 1, None => 2",
            // What a guard lets through is no catch-all: the other states must still be named.
            "Phase::Up { .. } if x => 1, _ if y => 2, Phase::Up | Phase::Down => 3",
        ] {
            assert_eq!(
                found(&format!("fn f() {{ match v {{ {arms} }} }}")),
                0,
                "{arms}"
            );
        }
        let other = "impl Colour { fn f(self) { match self { Self::Red => 1, _ => 2 } } }";
        assert_eq!(found(other), 0);
    }

    #[test]
    fn a_listed_enum_that_nobody_declares_is_found() {
        let states = States {
            enums: vec!["Phase".into(), "Gone".into()],
        };
        let files = [RustFile::parse("a.rs", "mod m { pub enum Phase {} }").unwrap()];
        let findings = listed_exist(&files, &states);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].problem.contains("`Gone`"));
    }
}
