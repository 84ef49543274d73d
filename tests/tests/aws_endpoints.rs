//! Which host each client of the functions asks, by the variables of the SDK that people set.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, ensure};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use harness::aws::local_config;
use shared::{
    aws::{Bucket as _, S3Bucket, sdk_config},
    http,
    settings::{Environment, SettingError},
};

/// Keeps the URLs of requests, which go nowhere.
#[derive(Clone, Debug, Default)]
struct Asked(Arc<Mutex<Vec<String>>>);

impl HttpConnector for Asked {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let url = request.uri().to_owned();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(url);
        HttpConnectorFuture::ready(Err(ConnectorError::user("only the URL matters".into())))
    }
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    let region = ("AWS_REGION", "us-east-1");
    let variables = [&[region], variables].concat().into_iter();
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The beginnings of the URLs that S3, SQS, Glue and SNS are asked at, in this order.
async fn asked(variables: &[(&str, &str)]) -> Result<[String; 4]> {
    let asked = Asked::default();
    let connector = SharedHttpConnector::new(asked.clone());
    let sdk = sdk_config(&environment(variables), &http::client()?)?.into_builder();
    let sdk = sdk.http_client(http_client_fn(move |_, _| connector.clone()));
    let credentials = local_config("http://127.0.0.1")?.credentials_provider();
    let mut sdk = sdk;
    sdk.set_credentials_provider(credentials);
    let sdk = sdk.build();
    // All of them fail at the connector.
    let _ = S3Bucket::new(&sdk, "lake".to_owned()).head("key").await;
    let url = "https://queue.example/000000000000/q";
    let _ = aws_sdk_sqs::Client::new(&sdk).receive_message().queue_url(url).send().await;
    let _ = aws_sdk_glue::Client::new(&sdk).get_job_runs().job_name("job").send().await;
    let _ = aws_sdk_sns::Client::new(&sdk).publish().topic_arn("arn").message("x").send().await;
    let found = asked.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let found = found.into_iter().map(|url| url.trim_end_matches('/').to_owned());
    let found: Vec<_> = found.map(|url| url.replace("?x-id=HeadObject", "")).collect();
    found.try_into().map_err(|found| anyhow::anyhow!("not four requests: {found:?}"))
}

const ON_AWS: [&str; 4] = [
    "https://lake.s3.us-east-1.amazonaws.com/key",
    "https://sqs.us-east-1.amazonaws.com",
    "https://glue.us-east-1.amazonaws.com",
    "https://sns.us-east-1.amazonaws.com",
];

#[tokio::test]
async fn without_variables_the_region_decides() -> Result<()> {
    assert_eq!(asked(&[]).await?, ON_AWS);
    Ok(())
}

#[tokio::test]
async fn one_variable_moves_all_services_and_the_bucket_goes_into_the_path() -> Result<()> {
    let (s3, all) = ("http://127.0.0.1:1/lake/key", "http://127.0.0.1:1");
    assert_eq!(asked(&[("AWS_ENDPOINT_URL", all)]).await?, [s3, all, all, all]);
    assert_eq!(asked(&[("AWS_ENDPOINT_URL", "")]).await?, ON_AWS);
    Ok(())
}

#[tokio::test]
async fn each_service_has_a_variable_of_its_own_that_moves_no_other() -> Result<()> {
    let url = "http://127.0.0.1:2";
    for (place, service) in ["S3", "SQS", "GLUE", "SNS"].into_iter().enumerate() {
        let name = format!("AWS_ENDPOINT_URL_{service}");
        let mut wanted = ON_AWS;
        let at_url = if service == "S3" { "http://127.0.0.1:2/lake/key" } else { url };
        wanted.iter_mut().skip(place).take(1).for_each(|wanted| *wanted = at_url);
        assert_eq!(asked(&[(&name, url)]).await?, wanted, "{name}");
    }
    let both = [("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("AWS_ENDPOINT_URL_SQS", url)];
    let [_, sqs, glue, _] = asked(&both).await?;
    assert_eq!((sqs.as_str(), glue.as_str()), (url, "http://127.0.0.1:1"));
    Ok(())
}

#[tokio::test]
async fn endpoints_can_be_ignored() -> Result<()> {
    let endpoints = [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:2"),
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
    ];
    assert_eq!(asked(&endpoints).await?, ON_AWS);
    Ok(())
}

#[tokio::test]
async fn fips_and_dual_stack_choose_other_hosts() -> Result<()> {
    let fips = ("AWS_USE_FIPS_ENDPOINT", "true");
    let dual_stack = ("AWS_USE_DUALSTACK_ENDPOINT", "TRUE");
    let hosts = |s3: &str, prefix: &str, domain: &str| {
        let of = |service| format!("https://{service}{prefix}.us-east-1.{domain}");
        [format!("https://lake.{s3}.us-east-1.amazonaws.com/key"), of("sqs"), of("glue"), of("sns")]
    };
    assert_eq!(asked(&[fips]).await?, hosts("s3-fips", "-fips", "amazonaws.com"));
    assert_eq!(asked(&[dual_stack]).await?, hosts("s3.dualstack", "", "api.aws"));
    assert_eq!(asked(&[fips, dual_stack]).await?, hosts("s3-fips.dualstack", "-fips", "api.aws"));
    Ok(())
}

#[test]
fn a_wrong_value_and_a_missing_region_are_named_at_the_start() -> Result<()> {
    let http = &http::client()?;
    let wrong = sdk_config(&environment(&[("AWS_USE_FIPS_ENDPOINT", "yes")]), http).err();
    let wrong = wrong.map(|error| error.to_string()).unwrap_or_default();
    ensure!(wrong.contains("AWS_USE_FIPS_ENDPOINT is \"yes\""), "{wrong}");
    let nowhere = sdk_config(&Environment::from_iter([]), http).err();
    ensure!(nowhere == Some(SettingError::Missing { name: "AWS_REGION" }), "{nowhere:?}");
    let other = Environment::from_iter([("AWS_DEFAULT_REGION".into(), "sa-east-1".into())]);
    let region = sdk_config(&other, http)?.region().map(ToString::to_string);
    ensure!(region.as_deref() == Some("sa-east-1"), "{region:?}");
    Ok(())
}
