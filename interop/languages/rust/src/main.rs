//! Starts sessions with the client that openapi-generator makes of openapi.yaml, and sends the shared bodies through its
//! types.

use std::error::Error;
use std::{env, fs, time::Duration};

use anam::apis::configuration::Configuration;
use anam::apis::{auth_api, engine_api};
use anam::models::{
    ClientTool, ClientToolType, DirectStartRequest, DirectorNotes, EngineSession,
    EngineSessionRequest, EphemeralPersonaConfig, EphemeralPersonaType, ErrorResponse,
    PersonaConfig, SessionTokenRequest, SessionTokenResponse, StatefulPersonaConfig,
    TokenStartRequest, Tool,
};
use reqwest::header::{HeaderMap, HeaderValue, AUTHORIZATION};
use serde::{de::DeserializeOwned, Deserialize, Serialize};
use serde_json::{json, Value};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(sessions())?;
    bodies()
}

fn say(line: Value) {
    println!("{line}");
}

/// The bearer is a header of the HTTP client's: where two security schemes are allowed, as for a start, the generated code
/// adds `Configuration::bearer_access_token` once for each, and servers such as nginx refuse two Authorization headers.
fn client(bearer: &str) -> Outcome<Configuration> {
    let mut authorization = HeaderValue::try_from(format!("Bearer {bearer}"))?;
    authorization.set_sensitive(true);
    let client = reqwest::Client::builder()
        .default_headers(HeaderMap::from_iter([(AUTHORIZATION, authorization)]))
        .timeout(Duration::from_secs(10))
        .build()?;
    Ok(Configuration {
        base_path: env::var("ANAM_API_URL")?,
        client,
        ..Configuration::default()
    })
}

async fn sessions() -> Outcome<()> {
    let key = env::var("ANAM_API_KEY")?;
    let with_key = client(&key)?;

    let request = SessionTokenRequest {
        client_label: Some("token".into()),
        expires_in: Some("1h".into()),
        ..SessionTokenRequest::new(inline())
    };
    let minted = auth_api::create_session_token(&with_key, request, None).await?;
    say(json!({"step": "token", "result": minted}));

    let with_token = client(&minted.session_token)?;
    let nothing = EngineSessionRequest::TokenStartRequest(Box::new(TokenStartRequest::new()));
    let session = engine_api::create_engine_session(&with_token, nothing, None).await?;
    say(json!({"step": "start", "result": session}));

    for step in ["direct", "extra"] {
        let session = engine_api::create_engine_session(&with_key, direct(step), None).await?;
        say(json!({"step": step, "result": session}));
    }

    let wrong = client("wrong-key")?;
    let refused =
        auth_api::create_session_token(&wrong, SessionTokenRequest::new(saved()), None).await;
    say_refusal("unauthorized", refused)?;
    let full = engine_api::create_engine_session(&with_key, direct("limit"), None).await;
    say_refusal("limit", full)
}

/// Which error type an answer is decoded as is of no use here: `CreateEngineSessionError` and its like are untagged, so
/// that every error comes out as the first variant. All have the same type inside; the status says which one it is.
fn say_refusal<T, E: Serialize>(
    step: &str,
    answer: Result<T, anam::apis::Error<E>>,
) -> Outcome<()> {
    match answer {
        Err(anam::apis::Error::ResponseError(response)) => {
            let error: ErrorResponse =
                serde_json::from_value(serde_json::to_value(&response.entity)?)?;
            say(json!({"step": step, "status": response.status.as_u16(), "result": error}));
            Ok(())
        }
        Err(error) => Err(format!("{step}: {error}").into()),
        Ok(_) => Err(format!("{step}: was not refused").into()),
    }
}

fn inline() -> PersonaConfig {
    let tool = ClientTool {
        description: Some("Opens a page of the shop.".into()),
        ..ClientTool::new(ClientToolType::Client, "open_page".into())
    };
    let notes = DirectorNotes {
        preset_style: Some("warm".into()),
        expressivity: Some(0.5),
        ..DirectorNotes::new()
    };
    PersonaConfig::EphemeralPersonaConfig(Box::new(EphemeralPersonaConfig {
        r#type: Some(EphemeralPersonaType::Ephemeral),
        name: Some("Cara".into()),
        avatar_id: Some("30fa96d0-26c4-4e55-94a0-517025942e18".into()),
        avatar_model: Some("cara-4".into()),
        voice_id: Some("6bfbe25a-979d-40f3-a92b-5394170af54b".into()),
        llm_id: Some("0934d97d-0c3a-4f33-91b0-5e136a0ef466".into()),
        director_notes: Some(Box::new(notes)),
        tools: Some(vec![Tool::ClientTool(Box::new(tool))]),
        ..EphemeralPersonaConfig::new()
    }))
}

fn saved() -> PersonaConfig {
    let persona = StatefulPersonaConfig::new("8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506".into());
    PersonaConfig::StatefulPersonaConfig(Box::new(persona))
}

fn direct(label: &str) -> EngineSessionRequest {
    EngineSessionRequest::DirectStartRequest(Box::new(DirectStartRequest {
        client_label: Some(label.into()),
        ..DirectStartRequest::new(saved())
    }))
}

#[derive(Deserialize)]
struct Shared {
    name: String,
    schema: String,
    body: Value,
}

fn bodies() -> Outcome<()> {
    for line in fs::read_to_string(env::var("ANAM_VECTORS")?)?.lines() {
        let Shared { name, schema, body } = serde_json::from_str(line)?;
        let result = match schema.as_str() {
            "SessionTokenRequest" => through::<SessionTokenRequest>(&body),
            "SessionTokenResponse" => through::<SessionTokenResponse>(&body),
            "TokenStartRequest" => through::<TokenStartRequest>(&body),
            "DirectStartRequest" => through::<DirectStartRequest>(&body),
            "EngineSession" => through::<EngineSession>(&body),
            "ErrorResponse" => through::<ErrorResponse>(&body),
            _ => return Err(format!("there is no type for {schema}").into()),
        };
        match result {
            Ok(result) => say(json!({"step": "body", "name": name, "result": result})),
            Err(error) => say(json!({"step": "body", "name": name, "error": error.to_string()})),
        }
    }
    Ok(())
}

fn through<T: DeserializeOwned + Serialize>(body: &Value) -> serde_json::Result<Value> {
    serde_json::to_value(T::deserialize(body)?)
}
