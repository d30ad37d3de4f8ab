# frozen_string_literal: true

# Does over the generated client what `interop/languages/README.md` asks of a program.

require 'json'
require 'uri'
require 'anam_api' # found by ruby -I

$stdout.sync = true
URL = URI(ENV.fetch('ANAM_API_URL'))
KEY = ENV.fetch('ANAM_API_KEY')

# libcurl would repeat a start when a connection breaks that it has used before: a second session, without a word.
Typhoeus.before { |request| request.options[:forbid_reuse] = true }

def client(credential)
  configuration = AnamApi::Configuration.new
  configuration.scheme = URL.scheme
  configuration.host = "#{URL.host}:#{URL.port}"
  configuration.access_token = credential
  configuration.server_index = nil # or else the first server of the contract wins over scheme and host
  AnamApi::ApiClient.new(configuration)
end

def auth(credential) = AnamApi::AuthApi.new(client(credential))

def engine(credential) = AnamApi::EngineApi.new(client(credential))

def direct(persona, label)
  body = AnamApi::DirectStartRequest.new(persona_config: persona, client_label: label)
  engine(KEY).create_engine_session(body)
end

def say(line) = puts(JSON.generate(line))

def step(name)
  answer = yield
  say(step: name, result: answer.to_hash)
  answer
rescue AnamApi::ApiError => e
  error = AnamApi::ErrorResponse.build_from_hash(JSON.parse(e.response_body, symbolize_names: true))
  say(step: name, status: e.code, result: error.to_hash)
end

def round_trip(line)
  body = JSON.parse(line)
  said = { step: 'body', name: body['name'] }
  begin
    data = JSON.parse(JSON.generate(body['body']), symbolize_names: true) # as the generated client parses answers
    said[:result] = AnamApi.const_get(body['schema']).build_from_hash(data).to_hash
  rescue ArgumentError, NoMethodError => e
    said[:error] = e.message
  end
  say(said)
end

tool = AnamApi::ClientTool.new(
  type: AnamApi::ClientToolType::CLIENT,
  name: 'open_page',
  description: 'Opens a page of the shop.'
)
inline = AnamApi::EphemeralPersonaConfig.new(
  type: AnamApi::EphemeralPersonaType::EPHEMERAL,
  name: 'Cara',
  avatar_id: '30fa96d0-26c4-4e55-94a0-517025942e18',
  avatar_model: 'cara-4',
  voice_id: '6bfbe25a-979d-40f3-a92b-5394170af54b',
  llm_id: '0934d97d-0c3a-4f33-91b0-5e136a0ef466',
  director_notes: AnamApi::DirectorNotes.new(preset_style: 'warm', expressivity: 0.5),
  tools: [tool]
)
saved = AnamApi::StatefulPersonaConfig.new(persona_id: '8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506')

minted = step('token') do
  body = AnamApi::SessionTokenRequest.new(persona_config: inline, client_label: 'token', expires_in: '1h')
  auth(KEY).create_session_token(body)
end
step('start') { engine(minted.session_token).create_engine_session(AnamApi::TokenStartRequest.new) }
step('direct') { direct(saved, 'direct') }
step('extra') { direct(saved, 'extra') }
step('unauthorized') { auth('wrong-key').create_session_token(AnamApi::SessionTokenRequest.new(persona_config: saved)) }
step('limit') { direct(saved, 'limit') }

File.foreach(ENV.fetch('ANAM_VECTORS'), chomp: true) { |line| round_trip(line) }
