//! Each failure to sign in is one sentence, with the command that helps.

use std::path::Path;

use anyhow::Result;
use e2e::{
    aws_account::{EXPIRED_KEY, GOOD_KEY, SSO_TOKEN},
    https::Authority,
    ibov::Ended,
    local,
};

use crate::home::{Home, KEYS, LATER, LONG_AGO, OPS, SSO};

const MACHINE_NOT_READY: Option<i32> = Some(3);
/// Checks that `ibov` ended with `code` after one line for people, which contains `words`.
fn says(ended: &Ended, code: Option<i32>, words: &[&str]) {
    let said = &ended.stderr;
    assert_eq!(ended.code, code, "{said}");
    assert!(ended.stdout.is_empty(), "{}", ended.stdout);
    assert_eq!(said.lines().count(), 1, "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} in {said}");
    }
    for debug in ["Error {", "{", "Some(", "provider", "cargo feature", "dispatch failure"] {
        let own = words.iter().any(|word| word.contains(debug));
        assert!(own || !said.contains(debug), "{debug:?} in {said}");
    }
}

#[test]
fn a_missing_region() -> Result<()> {
    local::run(async {
        let home = Home::with_config(
            "[profile ops]\naws_access_key_id = AKIA\naws_secret_access_key = s\n",
        )
        .await?;
        says(
            &home.fetch(&OPS).await?,
            MACHINE_NOT_READY,
            &[
                "profile ops has no AWS region",
                "aws configure set region sa-east-1 --profile ops",
                "export AWS_REGION=sa-east-1",
            ],
        );
        let words = ["profile default has no AWS region", "set region sa-east-1, or"];
        says(&home.fetch(&KEYS).await?, MACHINE_NOT_READY, &words);
        Ok(())
    })
}

#[test]
fn an_unknown_profile() -> Result<()> {
    local::run(async {
        let home = Home::with_config("[profile dev]\nregion = sa-east-1\n[profile prod]\n").await?;
        let words = ["AWS_PROFILE is \"ops\"", "only dev, prod", "export AWS_PROFILE=dev"];
        says(&home.fetch(&OPS).await?, MACHINE_NOT_READY, &words);
        let home = Home::with_config("").await?;
        let words = ["there are no profiles", "aws configure sso --profile ops"];
        says(&home.fetch(&OPS).await?, MACHINE_NOT_READY, &words);
        Ok(())
    })
}

#[test]
fn an_unknown_source_profile() -> Result<()> {
    local::run(async {
        let home = Home::with_config(
            "[profile ops]\nregion = sa-east-1\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = base\n",
        )
        .await?;
        let words = ["profile ops takes its credentials from profile base", "--profile base"];
        says(&home.fetch(&OPS).await?, MACHINE_NOT_READY, &words);
        Ok(())
    })
}

#[test]
fn a_file_that_is_no_configuration() -> Result<()> {
    local::run(async {
        let home = Home::with_config("[profile ops\nregion = sa-east-1\n").await?;
        says(
            &home.fetch(&OPS).await?,
            MACHINE_NOT_READY,
            &["cannot be read", ".aws/config on line 1"],
        );
        Ok(())
    })
}

#[test]
fn nobody_signed_in() -> Result<()> {
    local::run(async {
        let home = Home::with_config("[default]\nregion = sa-east-1\n").await?;
        let words = ["profile default has no AWS credentials", "aws login", "aws configure sso"];
        says(&home.fetch(&[]).await?, MACHINE_NOT_READY, &words);
        Ok(())
    })
}

#[test]
fn an_sso_session_that_is_missing_or_over() -> Result<()> {
    local::run(async {
        let home = Home::with_config(SSO).await?;
        let words = [
            "the SSO session of profile ops is missing or has expired",
            "sign in: aws sso login --profile ops",
        ];
        says(&home.fetch(&OPS).await?, MACHINE_NOT_READY, &words);
        home.sso_session(SSO_TOKEN, LONG_AGO)?;
        says(&home.fetch(&OPS).await?, MACHINE_NOT_READY, &words);
        home.sso_session_to_refresh("no longer good")?;
        says(&home.fetch(&OPS).await?, MACHINE_NOT_READY, &words);
        assert_eq!(home.account.signers("CreateToken").len(), 1, "it was tried");
        // An administrator ended the session, which the file does not say.
        home.sso_session("ended", LATER)?;
        says(&home.fetch(&OPS).await?, MACHINE_NOT_READY, &words);
        Ok(())
    })
}

#[test]
fn the_session_of_the_profile_that_a_role_is_assumed_with() -> Result<()> {
    local::run(async {
        let home = Home::with_role(SSO).await?;
        let words = ["the SSO session of profile ops", "aws sso login --profile ops"];
        says(&home.fetch(&[("AWS_PROFILE", "operator")]).await?, MACHINE_NOT_READY, &words);
        Ok(())
    })
}

#[test]
fn an_sso_role_that_is_not_assigned() -> Result<()> {
    local::run(async {
        let home = Home::with_config(&SSO.replace("Operator", "Admin")).await?;
        home.sso_session(SSO_TOKEN, LATER)?;
        let words = ["profile ops is signed in", "No access", "aws configure sso --profile ops"];
        says(&home.fetch(&OPS).await?, MACHINE_NOT_READY, &words);
        Ok(())
    })
}

#[test]
fn an_sso_profile_that_lacks_something() -> Result<()> {
    local::run(async {
        let home = Home::with_config(&SSO.replace("sso_region = us-east-1\n", "")).await?;
        let words =
            ["profile ops cannot be used", "sso_region", "aws configure list --profile ops"];
        says(&home.fetch(&OPS).await?, MACHINE_NOT_READY, &words);
        Ok(())
    })
}

#[test]
fn a_login_that_is_missing_or_over() -> Result<()> {
    local::run(async {
        let home = Home::with_login().await?;
        let words = [
            "the login of profile ops is missing or has expired",
            "sign in: aws login --profile ops",
        ];
        says(&home.fetch(&OPS).await?, MACHINE_NOT_READY, &words);
        home.login(GOOD_KEY, "over", LONG_AGO)?;
        says(&home.fetch(&OPS).await?, MACHINE_NOT_READY, &words);
        assert_eq!(home.account.signers("CreateOAuth2Token").len(), 1, "it was tried");
        Ok(())
    })
}

#[test]
fn a_credential_process_that_fails() -> Result<()> {
    local::run(async {
        let home = Home::with_config(
            "[profile ops]\nregion = sa-east-1\ncredential_process = echo the vault is locked >&2; exit 7\n",
        )
        .await?;
        let words = [
            "the credential_process of profile ops",
            "the vault is locked",
            "aws configure get credential_process --profile ops",
        ];
        says(&home.fetch(&OPS).await?, MACHINE_NOT_READY, &words);
        Ok(())
    })
}

#[test]
fn a_role_that_is_not_given() -> Result<()> {
    local::run(async {
        let home = Home::with_config(&format!(
            "[profile ops]\nregion = sa-east-1\nrole_arn = arn:aws:iam::1:role/another\nsource_profile = ops\n\
             aws_access_key_id = {GOOD_KEY}\naws_secret_access_key = s\n"
        ))
        .await?;
        let words = ["profile ops is signed in", "sts:AssumeRole", "get role_arn --profile ops"];
        says(&home.fetch(&OPS).await?, MACHINE_NOT_READY, &words);
        Ok(())
    })
}

#[test]
fn credentials_that_have_expired() -> Result<()> {
    local::run(async {
        let home = Home::with_config("").await?;
        let variables = [
            ("AWS_ACCESS_KEY_ID", EXPIRED_KEY),
            ("AWS_SECRET_ACCESS_KEY", "s"),
            ("AWS_SESSION_TOKEN", "t"),
            ("AWS_REGION", "sa-east-1"),
        ];
        let words = [
            "the credentials of AWS_ACCESS_KEY_ID have expired",
            "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN",
        ];
        says(&home.fetch(&variables).await?, MACHINE_NOT_READY, &words);
        Ok(())
    })
}

#[test]
fn an_access_key_that_aws_does_not_know() -> Result<()> {
    local::run(async {
        let home = Home::with_config(
            "[profile ops]\nregion = sa-east-1\naws_access_key_id = AKIAGONE\naws_secret_access_key = s\n",
        )
        .await?;
        let words = ["does not know the access key of profile ops", "aws configure --profile ops"];
        says(&home.fetch(&OPS).await?, MACHINE_NOT_READY, &words);
        Ok(())
    })
}

#[test]
fn a_web_identity_that_is_over() -> Result<()> {
    local::run(async {
        let home = Home::with_config("").await?;
        home.write("token", "over")?;
        let token = home.path("token").to_string_lossy().into_owned();
        let variables = [
            ("AWS_REGION", "sa-east-1"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", token.as_str()),
            ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/operator"),
        ];
        let words = ["the web identity token", "Token expired", "ls -l /"];
        says(&home.fetch(&variables).await?, MACHINE_NOT_READY, &words);
        Ok(())
    })
}

#[test]
fn a_region_in_which_nobody_answers() -> Result<()> {
    local::run(async {
        let home = Home::with_config("").await?;
        let mut variables = KEYS.to_vec();
        variables.extend([("AWS_REGION", "xx-east-1"), ("AWS_ENDPOINT_URL", "http://127.0.0.1:1")]);
        let words = ["AWS cannot be reached in region xx-east-1", "export AWS_REGION="];
        says(&home.fetch(&variables).await?, MACHINE_NOT_READY, &words);
        Ok(())
    })
}

#[test]
fn a_stack_that_is_not_there() -> Result<()> {
    local::run(async {
        let home = Home::with_config("[profile ops]\n").await?;
        let mut variables = KEYS.to_vec();
        variables.extend([("AWS_REGION", "sa-east-1"), OPS[0]]);
        let words = [
            "there is no stack named ivob in region sa-east-1",
            "aws cloudformation list-stacks --region sa-east-1",
        ];
        says(&home.fetch_from("ivob", &variables).await?, Some(1), &words);
        Ok(())
    })
}

#[test]
fn a_certificate_that_is_not_trusted() -> Result<()> {
    local::run(async {
        let home = Home::with_config("").await?;
        let (company, other) = (Authority::new("company")?, Authority::new("other")?);
        let front = company.front_of(home.account.endpoint()).await?;
        let [trusted, not] = ["company.pem", "other.pem"].map(|name| home.path(name));
        company.write(&trusted)?;
        other.write(&not)?;
        let fetch = async |roots: &Path| {
            let roots = roots.to_string_lossy();
            let mut variables = KEYS.to_vec();
            variables.extend([
                ("AWS_REGION", "sa-east-1"),
                ("AWS_ENDPOINT_URL", front.url.as_str()),
                ("SSL_CERT_FILE", &roots),
            ]);
            home.fetch(&variables).await
        };
        let words = [
            "there is no safe connection to AWS in region sa-east-1",
            "no root certificate here stands behind it",
            "in SSL_CERT_FILE",
        ];
        says(&fetch(&not).await?, MACHINE_NOT_READY, &words);
        let nowhere = home.path("nowhere.pem");
        let words = ["SSL_CERT_FILE is \"", "nowhere.pem\": ", "No such file"];
        says(&fetch(&nowhere).await?, MACHINE_NOT_READY, &words);
        let ended = fetch(&trusted).await?;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        Ok(())
    })
}
