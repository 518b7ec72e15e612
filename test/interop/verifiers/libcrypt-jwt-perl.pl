# Crypt::JWT, which leaves fetching the key set to its user.
use v5.32;
use warnings;
use Crypt::JWT qw(decode_jwt);
use HTTP::Tiny;
use JSON::PP;

my $job = decode_json(do { local $/; <STDIN> });

my $response = HTTP::Tiny->new->get($job->{jwksUri});
die "the key set answers $response->{status}" unless $response->{success};

sub verify {
    my ($token) = @_;
    my ($header, $claims) = decode_jwt(
        token         => $token,
        kid_keys      => $response->{content},
        accepted_alg  => $job->{algorithm},
        verify_iss    => $job->{issuer},
        verify_aud    => $job->{audience},
        verify_exp    => 1,
        decode_header => 1,
    );
    die "typ is $header->{typ}\n" unless $header->{typ} eq 'at+jwt';
    return $claims;
}

my @results = map {
    my $claims = eval { verify($_) };
    $claims ? { claims => $claims } : { error => $@ };
} @{ $job->{tokens} };
print encode_json({ version => $Crypt::JWT::VERSION, results => \@results });
