//! The `bootstrap` of notifications.

fn main() -> std::process::ExitCode {
    runtime::serve(notifications::system(), notifications::App::from_env)
}
