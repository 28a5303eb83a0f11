//! The compiler process on its own, for this crate's tests and benchmark. The server has the same as a subcommand.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    match args.as_slice() {
        [input, output] => plugin_host::compile_main(Path::new(input), Path::new(output)),
        _ => ExitCode::from(2),
    }
}
