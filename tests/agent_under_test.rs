//! The program under test: the same one call as `agent/src/main.rs`.

fn main() -> std::process::ExitCode {
    agent::main()
}
