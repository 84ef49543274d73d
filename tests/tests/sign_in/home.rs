//! A home folder with AWS's files, in which tests start `ibov`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use e2e::{
    aws_account::{AwsAccount, GOOD_KEY, ROLE, STACK},
    ibov::{self, Ended},
};
use p256::{SecretKey, pkcs8::LineEnding};
use serde_json::json;
use tempfile::TempDir;

/// `~/.aws/config` of a person who signs in to the profile `ops` by the SSO session `work`.
pub(crate) const SSO: &str = "[profile ops]\n\
                              region = sa-east-1\n\
                              sso_session = work\n\
                              sso_account_id = 123456789012\n\
                              sso_role_name = Operator\n\
                              [sso-session work]\n\
                              sso_start_url = https://work.example.com/start\n\
                              sso_region = us-east-1\n";
pub(crate) const OPS: [(&str, &str); 1] = [("AWS_PROFILE", "ops")];
pub(crate) const KEYS: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", GOOD_KEY), ("AWS_SECRET_ACCESS_KEY", "s")];

const LOGIN_SESSION: &str = "arn:aws:iam::123456789012:user/ana";
/// Names of the files in the caches: SHA-1 of the session's name or start URL, SHA-256 of the login's ARN.
const SSO_SESSION_WORK: &str = "e274eeff768c6396088ec6eb091f4bf4d47ab1e0";
const SSO_START_URL: &str = "07a4acfe57cdebd87b1d42fef1361c316cda20a0";
const LOGIN_OF_ANA: &str = "b2b5a3795600f77a089fcfb9343ad775fd5212cd31b1bbdc2bb1397fd1b68abf";

pub(crate) const LATER: &str = "2099-01-01T00:00:00Z";
pub(crate) const LONG_AGO: &str = "2020-01-01T00:00:00Z";

/// A person's home folder, and the account that they sign in to.
pub(crate) struct Home {
    folder: TempDir,
    pub(crate) account: AwsAccount,
}

impl Home {
    pub(crate) async fn with_config(config: &str) -> Result<Self> {
        let home = Self { folder: tempfile::tempdir()?, account: AwsAccount::open().await? };
        home.write(".aws/config", config)?;
        Ok(home)
    }

    /// With a profile `ops` that uses `aws login`.
    pub(crate) async fn with_login() -> Result<Self> {
        let session = format!("login_session = {LOGIN_SESSION}");
        Self::with_config(&format!("[profile ops]\nregion = sa-east-1\n{session}\n")).await
    }

    /// With a profile `operator` that assumes a role with the credentials of the profile `ops` in `source`.
    pub(crate) async fn with_role(source: &str) -> Result<Self> {
        let role = format!("role_arn = {ROLE}\nsource_profile = ops");
        Self::with_config(&format!("[profile operator]\nregion = sa-east-1\n{role}\n{source}"))
            .await
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    pub(crate) fn write(&self, relative: &str, content: &str) -> Result<()> {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        Ok(fs::write(path, content)?)
    }

    /// Writes the file of `aws sso login` for the session `work`.
    pub(crate) fn sso_session(&self, token: &str, expires: &str) -> Result<()> {
        self.sso_token(SSO_SESSION_WORK, token, expires)
    }

    /// The same for an expired session that `refresh_token` refreshes.
    pub(crate) fn sso_session_to_refresh(&self, refresh_token: &str) -> Result<()> {
        let content = json!({
            "accessToken": "over", "expiresAt": LONG_AGO, "region": "us-east-1",
            "refreshToken": refresh_token, "clientId": "c", "clientSecret": "s",
            "registrationExpiresAt": LATER,
        });
        self.write(&format!(".aws/sso/cache/{SSO_SESSION_WORK}.json"), &content.to_string())
    }

    /// The same for a profile with a start URL and no session.
    pub(crate) fn sso_start_url(&self, token: &str, expires: &str) -> Result<()> {
        self.sso_token(SSO_START_URL, token, expires)
    }

    fn sso_token(&self, file: &str, token: &str, expires: &str) -> Result<()> {
        let content = json!({"accessToken": token, "expiresAt": expires, "region": "us-east-1"});
        self.write(&format!(".aws/sso/cache/{file}.json"), &content.to_string())
    }

    /// Writes the file of `aws login`.
    pub(crate) fn login(&self, key: &str, refresh_token: &str, expires: &str) -> Result<()> {
        let secret = SecretKey::from_slice(&[7; 32])?;
        let content = json!({
            "accessToken": {"accessKeyId": key, "secretAccessKey": "s", "sessionToken": "t",
                            "accountId": "123456789012", "expiresAt": expires},
            "tokenType": "aws_sigv4",
            "refreshToken": refresh_token,
            "clientId": "arn:aws:signin:::devtools/same-device",
            "dpopKey": secret.to_sec1_pem(LineEnding::LF)?.to_string(),
        });
        self.write(&format!(".aws/login/cache/{LOGIN_OF_ANA}.json"), &content.to_string())
    }

    /// Runs `ibov fetch --stack ibov` with these variables.
    pub(crate) async fn fetch(&self, variables: &[(&str, &str)]) -> Result<Ended> {
        self.fetch_from(STACK, variables).await
    }

    /// The same for any stack.
    pub(crate) async fn fetch_from(
        &self,
        stack: &str,
        variables: &[(&str, &str)],
    ) -> Result<Ended> {
        self.types(&["fetch", "--stack", stack], variables).await
    }

    /// Runs `ibov` with these words and variables.
    pub(crate) async fn types(&self, words: &[&str], variables: &[(&str, &str)]) -> Result<Ended> {
        let home = self.folder.path().to_string_lossy().into_owned();
        // The test may run on an instance of AWS, which must not give its own credentials.
        let mut environment = vec![
            ("HOME", home.as_str()),
            ("AWS_ENDPOINT_URL", self.account.endpoint()),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        environment.extend(variables);
        ibov::run(words, &environment).await
    }
}
