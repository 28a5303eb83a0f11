//! Standard input, which is empty, and standard output and error, which go into the log.

use wasmtime::component::{ComponentType, Lift, LinkerInstance, Lower, Resource, ResourceType};

use crate::limiter::{self, State};
use crate::log::Level;

struct Error;
struct Pollable;
struct Input;
struct Output;

/// What `Resource<Output>` represents.
const STDOUT: u32 = 1;
const STDERR: u32 = 2;

/// How many bytes a guest may write at once; there is no other reason than that WASI asks.
const WRITE_BYTES: u64 = 4096;

/// `wasi:io/streams.stream-error`.
#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    LastOperationFailed(Resource<Error>),
    #[component(name = "closed")]
    Closed,
}

/// The resources that WASI's input and output are made of.
pub fn resources() -> [(&'static str, ResourceType); 4] {
    [
        ("error", ResourceType::host::<Error>()),
        ("pollable", ResourceType::host::<Pollable>()),
        ("input-stream", ResourceType::host::<Input>()),
        ("output-stream", ResourceType::host::<Output>()),
    ]
}

/// Defines what is known of an interface.
pub fn define(interface: &str, to: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    match interface {
        "wasi:cli/stdin" => to.func_wrap("get-stdin", |_, ()| Ok((Resource::<Input>::new_own(0),))),
        "wasi:cli/stdout" => to.func_wrap("get-stdout", |_, ()| Ok((Resource::<Output>::new_own(STDOUT),))),
        "wasi:cli/stderr" => to.func_wrap("get-stderr", |_, ()| Ok((Resource::<Output>::new_own(STDERR),))),
        "wasi:io/streams" => {
            input(to)?;
            output(to)
        }
        // Every function of it is a stub.
        _ => Ok(()),
    }
}

fn input(to: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    for read in ["read", "blocking-read"] {
        to.func_wrap(&format!("[method]input-stream.{read}"), |_, (_, _): (Resource<Input>, u64)| {
            Ok((Err::<Vec<u8>, _>(StreamError::Closed),))
        })?;
    }
    for skip in ["skip", "blocking-skip"] {
        to.func_wrap(&format!("[method]input-stream.{skip}"), |_, (_, _): (Resource<Input>, u64)| {
            Ok((Err::<u64, _>(StreamError::Closed),))
        })?;
    }
    Ok(())
}

fn output(to: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    to.func_wrap("[method]output-stream.check-write", |_, (_,): (Resource<Output>,)| {
        Ok((Ok::<_, StreamError>(WRITE_BYTES),))
    })?;
    for write in ["write", "blocking-write-and-flush"] {
        to.func_wrap(
            &format!("[method]output-stream.{write}"),
            |mut store, (stream, bytes): (Resource<Output>, Vec<u8>)| {
                limiter::charge(&mut store, bytes.len())?;
                let level = if stream.rep() == STDERR { Level::Warn } else { Level::Info };
                let text = String::from_utf8_lossy(&bytes);
                let lines = text.lines().filter(|line| !line.trim().is_empty());
                lines.for_each(|line| store.data_mut().log.write(level, line));
                Ok((Ok::<_, StreamError>(()),))
            },
        )?;
    }
    for flush in ["flush", "blocking-flush"] {
        to.func_wrap(&format!("[method]output-stream.{flush}"), |_, (_,): (Resource<Output>,)| {
            Ok((Ok::<_, StreamError>(()),))
        })?;
    }
    Ok(())
}
