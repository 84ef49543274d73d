//! Each way to sign in reaches the stack, with the credentials that belong to it.

use anyhow::Result;
use e2e::{
    aws_account::{GOOD_KEY, LOGIN_KEY, REFRESH_TOKEN, ROLE_KEY, SSO_KEY, SSO_TOKEN},
    local,
};

use crate::home::{Home, LATER, LONG_AGO, OPS, SSO};

/// Checks that `ibov fetch` finds and calls the stack with the access key `key` only.
async fn reaches(home: &Home, variables: &[(&str, &str)], key: &str) -> Result<()> {
    let ended = home.fetch(variables).await?;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("as message m-1"), "{}", ended.stdout);
    assert_eq!(home.account.signers("DescribeStacks"), [key]);
    assert_eq!(home.account.signers("SendMessage"), [key]);
    Ok(())
}

#[test]
fn an_access_key_in_variables() -> Result<()> {
    local::run(async {
        let home = Home::with_config("").await?;
        let variables = [
            ("AWS_ACCESS_KEY_ID", GOOD_KEY),
            ("AWS_SECRET_ACCESS_KEY", "s"),
            ("AWS_REGION", "sa-east-1"),
            ("AWS_MAX_ATTEMPTS", "often"),
        ];
        reaches(&home, &variables, GOOD_KEY).await
    })
}

#[test]
fn an_access_key_in_a_profile_elsewhere() -> Result<()> {
    local::run(async {
        let home = Home::with_config("[profile broken").await?;
        home.write("elsewhere/config", "[profile ops]\nregion = sa-east-1\n")?;
        home.write(
            "elsewhere/credentials",
            &format!("[ops]\naws_access_key_id = {GOOD_KEY}\naws_secret_access_key = s\n"),
        )?;
        let config = home.path("elsewhere/config").to_string_lossy().into_owned();
        let credentials = home.path("elsewhere/credentials").to_string_lossy().into_owned();
        let variables = [
            ("AWS_PROFILE", "ops"),
            ("AWS_CONFIG_FILE", config.as_str()),
            ("AWS_SHARED_CREDENTIALS_FILE", credentials.as_str()),
        ];
        reaches(&home, &variables, GOOD_KEY).await
    })
}

#[test]
fn a_credential_process_that_is_asked_once() -> Result<()> {
    local::run(async {
        let home = Home::with_config("").await?;
        home.write(
            "hand-out.sh",
            &format!(
                "echo asked >> \"$HOME/asked\"\n\
                 echo '{{\"Version\": 1, \"AccessKeyId\": \"{GOOD_KEY}\", \"SecretAccessKey\": \"s\", \
                 \"SessionToken\": \"t\", \"Expiration\": \"{LATER}\"}}'\n"
            ),
        )?;
        let script = home.path("hand-out.sh");
        home.write(
            ".aws/config",
            &format!(
                "[default]\nregion = sa-east-1\ncredential_process = sh {}\n",
                script.display()
            ),
        )?;
        reaches(&home, &[], GOOD_KEY).await?;
        assert_eq!(std::fs::read_to_string(home.path("asked"))?, "asked\n");
        Ok(())
    })
}

#[test]
fn an_sso_session() -> Result<()> {
    local::run(async {
        let home = Home::with_config(SSO).await?;
        home.sso_session(SSO_TOKEN, LATER)?;
        reaches(&home, &OPS, SSO_KEY).await
    })
}

#[test]
fn an_sso_session_that_is_prolonged() -> Result<()> {
    local::run(async {
        let home = Home::with_config(SSO).await?;
        home.sso_session_to_refresh(REFRESH_TOKEN)?;
        reaches(&home, &OPS, SSO_KEY).await
    })
}

#[test]
fn sso_without_a_session() -> Result<()> {
    local::run(async {
        let config = SSO.split("[sso-session").next().unwrap_or_default().replace(
            "sso_session = work",
            "sso_start_url = https://work.example.com/start\nsso_region = us-east-1",
        );
        let home = Home::with_config(&config).await?;
        home.sso_start_url(SSO_TOKEN, LATER)?;
        reaches(&home, &OPS, SSO_KEY).await
    })
}

#[test]
fn a_login() -> Result<()> {
    local::run(async {
        let home = Home::with_login().await?;
        home.login(GOOD_KEY, REFRESH_TOKEN, LATER)?;
        reaches(&home, &OPS, GOOD_KEY).await
    })
}

#[test]
fn a_login_that_is_refreshed() -> Result<()> {
    local::run(async {
        let home = Home::with_login().await?;
        home.login(GOOD_KEY, REFRESH_TOKEN, LONG_AGO)?;
        reaches(&home, &OPS, LOGIN_KEY).await
    })
}

#[test]
fn a_role_assumed_with_an_access_key() -> Result<()> {
    local::run(async {
        let source =
            format!("[profile ops]\naws_access_key_id = {GOOD_KEY}\naws_secret_access_key = s\n");
        let home = Home::with_role(&source).await?;
        reaches(&home, &[("AWS_PROFILE", "operator")], ROLE_KEY).await?;
        assert_eq!(home.account.signers("AssumeRole"), [GOOD_KEY]);
        Ok(())
    })
}

#[test]
fn a_role_assumed_with_an_sso_session() -> Result<()> {
    local::run(async {
        let home = Home::with_role(SSO).await?;
        home.sso_session(SSO_TOKEN, LATER)?;
        reaches(&home, &[("AWS_PROFILE", "operator")], ROLE_KEY).await?;
        assert_eq!(home.account.signers("AssumeRole"), [SSO_KEY]);
        Ok(())
    })
}

#[test]
fn a_role_assumed_with_a_web_identity() -> Result<()> {
    local::run(async {
        let home = Home::with_config("").await?;
        home.write("token", "web-token")?;
        let token = home.path("token").to_string_lossy().into_owned();
        let variables = [
            ("AWS_REGION", "sa-east-1"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", token.as_str()),
            ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/operator"),
        ];
        reaches(&home, &variables, ROLE_KEY).await?;
        assert_eq!(home.account.signers("AssumeRoleWithWebIdentity"), [""], "the token signs");
        Ok(())
    })
}

#[test]
fn a_profile_and_a_region_that_are_asked_for_go_before_all_variables() -> Result<()> {
    local::run(async {
        let keys = format!("aws_access_key_id = {GOOD_KEY}\naws_secret_access_key = s\n");
        let home = Home::with_role(&format!("[profile ops]\n{keys}")).await?;
        let words = ["fetch", "--stack", "ibov", "--profile", "operator", "--region", "eu-west-1"];
        let others = [
            ("AWS_ACCESS_KEY_ID", "AKIAOTHER"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
            ("AWS_PROFILE", "x"),
        ];
        let ended = home.types(&words, &others).await?;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(home.account.signers("AssumeRole"), [GOOD_KEY]);
        assert_eq!(home.account.signers("SendMessage"), [ROLE_KEY]);
        let unknown =
            home.types(&["fetch", "--stack", "ibov", "--profile", "nobody"], &others).await?;
        assert_eq!(unknown.code, Some(3), "{}", unknown.stderr);
        assert!(unknown.stderr.contains("--profile is \"nobody\""), "{}", unknown.stderr);
        let elsewhere = home
            .types(
                &["fetch", "--stack", "other", "--region", "eu-west-1", "--profile", "operator"],
                &[],
            )
            .await?;
        assert!(elsewhere.stderr.contains("in region eu-west-1"), "{}", elsewhere.stderr);
        let usage = home.types(&["fetch", "--region", "eu-west-1"], &others).await?;
        assert_eq!(usage.code, Some(2), "without --stack there is no account");
        Ok(())
    })
}
