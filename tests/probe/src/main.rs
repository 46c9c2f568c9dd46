//! The `bootstrap` of the probe.

fn main() -> std::process::ExitCode {
    runtime::serve(probe::system(), probe::App::from_env)
}
