//! The `bootstrap` of rate-limiter.

fn main() -> std::process::ExitCode {
    runtime::serve(rate_limiter::system(), rate_limiter::App::from_env)
}
