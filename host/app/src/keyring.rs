//! The instance's master secret and what is derived from it: wrapping customers' keys, sealing secrets, cursors and
//! sessions, authenticating compiled policies, signing the daily roots.
//!
//! The master secret lies in a file of its own beside the store, so that a copy of the database alone opens nothing.

use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{hkdf, signature};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes of a symmetric key.
pub const KEY_LEN: usize = 32;

/// A symmetric key in the open.
pub type Key = [u8; KEY_LEN];

/// What can be wrong with the secret file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read or written.
    #[error("the secret file {path} cannot be used: {error}")]
    Io {
        /// Where it lies.
        path: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// Not 32 bytes: copied in part, or another file.
    #[error(
        "the secret file {path} does not hold {KEY_LEN} bytes; restore it from a backup: without it sealed data stays closed"
    )]
    Malformed {
        /// Where it lies.
        path: String,
    },
}

/// The derived secrets.
pub struct Keyring {
    random: SystemRandom,
    wrapping: LessSafeKey,
    sealing: LessSafeKey,
    cache: Key,
    signing: signature::Ed25519KeyPair,
}

impl Keyring {
    /// Reads the master secret, or makes one where there is none yet (readable by its owner alone).
    ///
    /// # Errors
    /// [`Error`] where the file cannot be used.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let io = |error| Error::Io { path: path.display().to_string(), error };
        let random = SystemRandom::new();
        if !path.exists() {
            create(path, &random).map_err(io)?;
        }
        let bytes = std::fs::read(path).map_err(io)?;
        let master: Key = bytes.try_into().map_err(|_| Error::Malformed { path: path.display().to_string() })?;
        let signing = signature::Ed25519KeyPair::from_seed_unchecked(&derive(&master, b"daily roots"))
            .expect("every 32 bytes are an Ed25519 seed");
        Ok(Self {
            random,
            wrapping: aead(&derive(&master, b"customer keys")),
            sealing: aead(&derive(&master, b"sealed values")),
            cache: derive(&master, b"compiled policies"),
            signing,
        })
    }

    /// Authenticates compiled policies.
    #[must_use]
    pub const fn cache_key(&self) -> Key {
        self.cache
    }

    /// A new random key.
    #[must_use]
    pub fn fresh_key(&self) -> Key {
        let mut key = [0; KEY_LEN];
        self.fill(&mut key);
        key
    }

    /// Fills a buffer with random bytes.
    pub fn fill(&self, buffer: &mut [u8]) {
        self.random.fill(buffer).expect("the system's random source answers");
    }

    /// Encrypts a customer's key for storage.
    #[must_use]
    pub fn wrap(&self, key: &Key) -> Vec<u8> {
        self.encrypt(&self.wrapping, key)
    }

    /// The reverse of [`Self::wrap`].
    #[must_use]
    pub fn unwrap(&self, wrapped: &[u8]) -> Option<Key> {
        decrypt(&self.wrapping, wrapped)?.try_into().ok()
    }

    /// Encrypts under a customer's key: nonce and ciphertext, base 64.
    #[must_use]
    pub fn seal_with(&self, key: &Key, plain: &[u8]) -> String {
        STANDARD_NO_PAD.encode(self.encrypt(&aead(key), plain))
    }

    /// The reverse of [`Self::seal_with`].
    #[must_use]
    pub fn open_with(key: &Key, sealed: &str) -> Option<Vec<u8>> {
        decrypt(&aead(key), &STANDARD_NO_PAD.decode(sealed).ok()?)
    }

    /// Encrypts and authenticates a value for a client to hand back: cursors, sessions, stored responses.
    #[must_use]
    pub fn seal<T: Serialize + ?Sized>(&self, value: &T) -> String {
        let plain = serde_json::to_vec(value).expect("values that are sealed serialise");
        URL_SAFE_NO_PAD.encode(self.encrypt(&self.sealing, &plain))
    }

    /// The reverse of [`Self::seal`]; none where it was tampered with or is of another kind.
    #[must_use]
    pub fn open_sealed<T: DeserializeOwned>(&self, sealed: &str) -> Option<T> {
        serde_json::from_slice(&decrypt(&self.sealing, &URL_SAFE_NO_PAD.decode(sealed).ok()?)?).ok()
    }

    /// Signs with the instance's Ed25519 key.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.signing.sign(message).as_ref().to_vec()
    }

    /// Whether a signature is this instance's.
    #[must_use]
    pub fn verify(&self, message: &[u8], given: &[u8]) -> bool {
        use ring::signature::KeyPair;
        signature::UnparsedPublicKey::new(&signature::ED25519, self.signing.public_key()).verify(message, given).is_ok()
    }

    fn encrypt(&self, key: &LessSafeKey, plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        self.fill(&mut nonce);
        let mut out = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        out.extend_from_slice(&nonce);
        let mut body = plain.to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut body)
            .expect("what is sealed is far below the cipher's limit");
        out.extend_from_slice(&body);
        out
    }
}

fn decrypt(key: &LessSafeKey, sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, body) = sealed.split_at_checked(NONCE_LEN)?;
    let mut body = body.to_vec();
    let plain = key.open_in_place(Nonce::try_assume_unique_for_key(nonce).ok()?, Aad::empty(), &mut body).ok()?;
    Some(plain.to_vec())
}

fn aead(key: &Key) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("the cipher takes keys of 32 bytes"))
}

fn derive(master: &Key, purpose: &'static [u8]) -> Key {
    let mut out = [0; KEY_LEN];
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"orderwright")
        .extract(master)
        .expand(&[purpose], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut out))
        .expect("32 bytes are within what HKDF gives");
    out
}

fn create(path: &Path, random: &SystemRandom) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut key = [0; KEY_LEN];
    random.fill(&mut key).map_err(|_| std::io::Error::other("no randomness"))?;
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let partial = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    file.write_all(&key)?;
    file.sync_all()?;
    std::fs::rename(&partial, path)?;
    // Without the directory's own sync a power cut could forget the file that everything sealed depends on.
    std::fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_again_and_only_unchanged() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secrets/master.key");
        let ring = Keyring::open(&path).unwrap();
        let again = Keyring::open(&path).unwrap();
        let sealed = ring.seal(&("cursor", 7));
        assert_eq!(again.open_sealed::<(String, u64)>(&sealed), Some(("cursor".into(), 7)));
        let mut forged = sealed.into_bytes();
        forged[20] ^= 1;
        assert_eq!(again.open_sealed::<(String, u64)>(&String::from_utf8_lossy(&forged)), None);

        let key = ring.fresh_key();
        assert_eq!(again.unwrap(&ring.wrap(&key)), Some(key));
        let personal = ring.seal_with(&key, b"Ann Lee");
        assert_eq!(Keyring::open_with(&key, &personal).as_deref(), Some(&b"Ann Lee"[..]));
        assert_eq!(Keyring::open_with(&ring.fresh_key(), &personal), None);
        assert!(again.verify(b"root", &ring.sign(b"root")));
        assert!(!again.verify(b"other", &ring.sign(b"root")));
    }

    #[test]
    fn a_short_secret_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        std::fs::write(&path, b"short").unwrap();
        assert!(matches!(Keyring::open(&path), Err(Error::Malformed { .. })));
    }
}
