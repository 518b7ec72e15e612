# The gem jwt, with a loader for the key set. It leaves typ to its user.
require 'jwt'
require 'net/http'
require_relative '../protocol'

set_up = lambda do |jwksUri:, issuer:, audience:, algorithm:, **|
  keys = nil
  loader = lambda do |options|
    keys = nil if options[:kid_not_found]
    keys ||= JSON.parse(Net::HTTP.get(URI(jwksUri)), symbolize_names: true)
  end
  lambda do |token|
    payload, header = JWT.decode(token, nil, true, algorithms: [algorithm], jwks: loader,
                                                   iss: issuer, verify_iss: true, aud: audience, verify_aud: true)
    raise JWT::DecodeError, 'typ is not at+jwt' unless header['typ'] == 'at+jwt'

    payload
  end
end

Protocol.verifier('jwt', set_up)
