//! A secure mail server in one program.
//!
//! The binary reads the configuration and the command line, names the store, puts the rooms together
//! ([`house`]) and takes them apart. What mail is and what becomes of it is decided elsewhere.

mod certificates;
mod cli;
mod command;
mod configuration;
mod configured_routes;
mod control;
mod data_files;
mod failure;
mod house;
mod keeping;
mod logging;
mod output;
mod password_source;
mod quota_size;
mod rights;
mod route_presets;
mod route_tokens;
mod service_manager;
mod signals;
mod site;
mod telemetry;
mod trail_retention;
mod watchtower;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let line = cli::CommandLine::parse();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(command::run(line)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is gone, there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "posthouse: {error:#}");
            ExitCode::from(failure::exit_code(&error))
        }
    }
}
