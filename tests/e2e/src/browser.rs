//! Chromium without a window, driven as a person would use it.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use serde_json::json;
use tempfile::TempDir;
use thirtyfour::{By, ChromiumLikeCapabilities as _, DesiredCapabilities, WebDriver, WebElement};

use crate::process::build_dir;
use crate::wait::eventually;

/// It looks nothing up and calls nobody: only the server under test is there for it.
const ARGUMENTS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/// How long the driver may take to start.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// A browser with a profile of its own. It ends with this value.
pub struct Browser {
    driver: WebDriver,
    _process: Driver,
    _profile: TempDir,
}

/// The driver's process, which is the head of a group with every process of the browser.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = rustix::process::kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        let _ = self.0.wait();
    }
}

impl Browser {
    /// Opens a browser.
    ///
    /// # Panics
    /// Where chromium or its driver is not installed, or does not start.
    pub async fn open() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let profile = tempfile::Builder::new().prefix("orderwright-browser-").tempdir().expect("a temporary folder");
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let started = command.spawn();
        let mut process =
            Driver(started.unwrap_or_else(|error| panic!("chromedriver is needed (chromium-driver): {error}")));
        let port = tokio::task::block_in_place(|| port(&mut process.0));
        let mut capabilities = DesiredCapabilities::chrome();
        let folder = format!("--user-data-dir={}", profile.path().display());
        for argument in ARGUMENTS.into_iter().chain([folder.as_str(), "--window-size=1280,1000"]) {
            capabilities.add_arg(argument).expect("an argument is text");
        }
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities).await.expect("chromium starts");
        Self { driver, _process: process, _profile: profile }
    }

    /// The driver itself.
    #[must_use]
    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// Opens a page.
    ///
    /// # Panics
    /// Where the browser does not.
    pub async fn go(&self, url: &str) {
        self.driver.goto(url).await.expect("the page opens");
    }

    /// An element, once it is there.
    ///
    /// # Panics
    /// Where it does not come.
    pub async fn element(&self, css: &str) -> WebElement {
        eventually(css, async || self.driver.find(By::Css(css)).await.map_err(|error| error.to_string())).await
    }

    /// How many elements there are.
    ///
    /// # Panics
    /// Where the browser does not say.
    pub async fn count(&self, css: &str) -> usize {
        self.driver.find_all(By::Css(css)).await.expect("the browser answers").len()
    }

    /// What a person reads, once it contains a text.
    ///
    /// # Panics
    /// Where it does not come to that.
    pub async fn reads(&self, text: &str) -> String {
        eventually(text, async || {
            let body = self.driver.find(By::Css("body")).await.map_err(|error| error.to_string())?;
            let shown = body.text().await.map_err(|error| error.to_string())?;
            if shown.contains(text) { Ok(shown) } else { Err(shown) }
        })
        .await
    }

    /// Types into a field, after what is there was taken out.
    ///
    /// # Panics
    /// Where there is no such field.
    pub async fn fill(&self, css: &str, text: &str) {
        let field = self.element(css).await;
        field.clear().await.expect("the field can be emptied");
        field.send_keys(text).await.expect("the field can be typed into");
    }

    /// Clicks.
    ///
    /// # Panics
    /// Where there is nothing to click.
    pub async fn click(&self, css: &str) {
        self.element(css).await.click().await.expect("it can be clicked");
    }

    /// Clicks the link, the button or the summary with this text.
    ///
    /// # Panics
    /// Where there is none.
    pub async fn press(&self, text: &str) {
        let path = format!("//*[self::a or self::button or self::summary][contains(normalize-space(.), \"{text}\")]");
        let button =
            eventually(text, async || self.driver.find(By::XPath(&*path)).await.map_err(|error| error.to_string()))
                .await;
        button.click().await.expect("it can be clicked");
    }

    /// Drops a file onto an element, as somebody would from his desktop.
    ///
    /// # Panics
    /// Where there is no such element.
    pub async fn drop_file(&self, css: &str, name: &str, bytes: &[u8]) {
        let zone = self.element(css).await;
        // Bytes travel as a text of one character each.
        let text: String = bytes.iter().copied().map(char::from).collect();
        let script = "const [zone, name, text] = arguments; \
            const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0)); \
            const carried = new DataTransfer(); \
            carried.items.add(new File([bytes], name, {type: 'application/wasm'})); \
            for (const kind of ['dragenter', 'dragover', 'drop']) { \
              zone.dispatchEvent(new DragEvent(kind, {dataTransfer: carried, bubbles: true, cancelable: true})); \
            }";
        let arguments = vec![zone.to_json().expect("an element has an id"), name.into(), text.into()];
        self.driver.execute(script, arguments).await.expect("it is dropped");
    }

    /// Keeps pictures of the whole page in `target/screenshots`: as on a desk, as on a telephone, and in the dark.
    ///
    /// # Panics
    /// Where they cannot be written.
    pub async fn pictures(&self, name: &str) {
        for (kind, width, colours) in [("wide", 1280, "light"), ("narrow", 400, "light"), ("dark", 1280, "dark")] {
            let features = json!({"features": [{"name": "prefers-color-scheme", "value": colours}]});
            self.driver.cdp().send_raw("Emulation.setEmulatedMedia", features).await.expect("colours can be chosen");
            self.driver.set_window_rect(0, 0, width, 1000).await.expect("the window can be resized");
            let height = self.driver.execute("return document.documentElement.scrollHeight", vec![]).await;
            let height: u32 = height.expect("the page has a height").convert().expect("a number");
            let tall = (height + 150).clamp(600, 6000);
            self.driver.set_window_rect(0, 0, width, tall).await.expect("the window can be resized");
            self.picture(&format!("{name}-{kind}")).await;
            // Nothing may be wider than the window: what is wide scrolls by itself.
            let over = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
            let over: i64 = self.driver.execute(over, vec![]).await.expect("a width").convert().expect("a number");
            assert_eq!(over, 0, "{name} is wider than a window of {width}");
        }
        self.driver.set_window_rect(0, 0, 1280, 1000).await.expect("the window can be resized");
        let features = json!({"features": []});
        self.driver.cdp().send_raw("Emulation.setEmulatedMedia", features).await.expect("colours can be chosen");
    }

    /// Keeps a picture of the page in `target/screenshots`.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub async fn picture(&self, name: &str) {
        let folder = screenshots();
        std::fs::create_dir_all(&folder).expect("a folder for pictures");
        self.driver.screenshot(&folder.join(format!("{name}.png"))).await.expect("a picture");
    }

    /// Closes the browser.
    ///
    /// # Panics
    /// Where it does not close.
    pub async fn close(self) {
        self.driver.clone().quit().await.expect("the browser closes");
    }
}

fn screenshots() -> PathBuf {
    build_dir().parent().expect("a profile is in target").join("screenshots")
}

/// The driver says at which port it listens.
fn port(driver: &mut Child) -> u16 {
    let stdout = BufReader::new(driver.stdout.take().expect("standard output is a pipe"));
    let (sender, ports) = sync_channel(1);
    std::thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            let port = line.rsplit_once("on port ").map(|(_, port)| port.trim_end_matches('.'));
            if let Some(port) = port.and_then(|port| port.parse::<u16>().ok()).filter(|port| *port != 0) {
                let _ = sender.try_send(port);
            }
        }
    });
    ports.recv_timeout(READY_WITHIN).expect("chromedriver says its port")
}
