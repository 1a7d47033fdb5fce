//! The shim as a program of its own: `livery-shim shim init|task|exec DIRECTORY`.
//!
//! The `livery` program does the same for `livery shim ...`. A host may point its agent to this one
//! instead, which is smaller and is not replaced when `livery` is.

fn main() {
    // No thread may exist before this: a shim forks and changes namespaces.
    let arguments = std::env::args_os().skip(1);
    let arguments = arguments.skip_while(|word| word == "shim");
    std::process::exit(livery_runtime::shim::main(arguments));
}
