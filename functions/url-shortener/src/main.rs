//! The `bootstrap` of url-shortener.

fn main() -> std::process::ExitCode {
    runtime::serve(url_shortener::system(), url_shortener::App::from_env)
}
