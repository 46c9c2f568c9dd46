//! The `bootstrap` of identity.

fn main() -> std::process::ExitCode {
    runtime::serve(identity::system(), identity::App::from_env)
}
