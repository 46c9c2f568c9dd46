//! The `bootstrap` of ledger.

fn main() -> std::process::ExitCode {
    runtime::serve(ledger::system(), ledger::App::from_env)
}
