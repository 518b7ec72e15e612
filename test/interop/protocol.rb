# What the scripts have in common: one job as JSON on standard input, for a
# secret is never an argument, and one result as JSON on standard output.
require 'json'

module Protocol
  def self.version(gem)
    Gem::Specification.find_by_name(gem).version.to_s
  end

  # Gets one access token. The block says what OAuth error the library has made
  # of a refusal.
  def self.client(gem, get_token)
    result = { version: version(gem) }
    begin
      result[:token] = get_token.call(**read)
    rescue StandardError => e
      result[:error] = yield(e) || e.class.name
    end
    puts JSON.generate(result)
  end

  # Verifies the tokens of a job, all under the same expectations.
  def self.verifier(gem, set_up)
    job = read
    tokens = job.delete(:tokens)
    verify = set_up.call(**job)
    results = tokens.map do |token|
      { claims: verify.call(token) }
    rescue StandardError => e
      { error: e.message }
    end
    puts JSON.generate(version: version(gem), results: results)
  end

  def self.read
    JSON.parse($stdin.read, symbolize_names: true)
  end
end
