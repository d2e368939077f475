//! The `qsys-agent` program; everything lives in the library.

fn main() -> std::process::ExitCode {
    agent::main()
}
