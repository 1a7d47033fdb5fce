//! Tokens in a row, so that rules see into macros and attributes too.

use proc_macro2::{TokenStream, TokenTree};

/// One token; the brackets of groups are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub line: usize,
    pub is: Is,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Is {
    /// A name or a keyword.
    Word(String),
    /// One character of an operator.
    Sign(char),
    /// A string literal's value.
    Text(String),
    /// Any other literal.
    Literal,
}

/// Flattens a stream of tokens.
pub(super) fn flatten(stream: TokenStream) -> Vec<Token> {
    let mut tokens = Vec::new();
    push(stream, &mut tokens);
    tokens
}

fn push(stream: TokenStream, tokens: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        let is = match tree {
            TokenTree::Group(group) => {
                push(group.stream(), tokens);
                continue;
            }
            TokenTree::Ident(ident) => Is::Word(ident.to_string()),
            TokenTree::Punct(punct) => Is::Sign(punct.as_char()),
            TokenTree::Literal(literal) => match syn::Lit::new(literal) {
                syn::Lit::Str(text) => Is::Text(text.value()),
                _ => Is::Literal,
            },
        };
        tokens.push(Token { line, is });
    }
}
