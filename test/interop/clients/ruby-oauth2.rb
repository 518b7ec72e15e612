# The gem oauth2.
require 'oauth2'
require_relative '../protocol'

get_token = lambda do |tokenEndpoint:, clientId:, clientSecret:, auth:, **|
  scheme = auth == 'basic' ? :basic_auth : :request_body
  client = OAuth2::Client.new(clientId, clientSecret, token_url: tokenEndpoint, auth_scheme: scheme)
  client.client_credentials.get_token.token
end

Protocol.client('oauth2', get_token) { |e| e.code if e.is_a?(OAuth2::Error) }
