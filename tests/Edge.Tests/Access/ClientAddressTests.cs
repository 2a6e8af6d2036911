using System.Net;
using EdgeCache.Edge.Access;
using EdgeCache.Edge.Configuration;
using Microsoft.AspNetCore.Http;

namespace EdgeCache.Edge.Tests.Access;

public sealed class ClientAddressTests
{
    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1")]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")]
    [InlineData("::1", "::/64")]
    [InlineData("0.0.0.0", "0.0.0.0")]
    [InlineData("255.255.255.255", "255.255.255.255")]
    public void An_address_is_one_client_and_of_IPv6_a_network_is(string address, string shown)
    {
        var client = ClientAddress.Of(IPAddress.Parse(address));
        client.Id.ShouldNotBe(0UL);
        client.ToString().ShouldBe(shown);
        ClientAddress.TryParse(shown, out var read).ShouldBeTrue();
        read.ShouldBe(client);
    }

    [Fact]
    public void Neighbours_in_a_network_are_one_client_and_other_networks_are_others()
    {
        Of("2001:db8::1").ShouldBe(Of("2001:db8::ffff:1"));
        Of("2001:db8::1").ShouldNotBe(Of("2001:db8:0:1::1"));
        Of("192.0.2.1").ShouldNotBe(Of("192.0.2.2"));
        ClientAddress.Of(null).ToString().ShouldBe("unknown");
    }

    [Theory]
    [InlineData("")]
    [InlineData("nobody")]
    [InlineData("192.0.2.1/64")]
    public void What_is_no_address_is_not_read(string text) => ClientAddress.TryParse(text, out _).ShouldBeFalse();

    [Theory]
    // Nobody is trusted: the field is what the client says.
    [InlineData("", "203.0.113.9", "192.0.2.1", "203.0.113.9")]
    // The field of somebody who is not trusted.
    [InlineData("10.0.0.0/8", "203.0.113.9", "192.0.2.1", "203.0.113.9")]
    // One proxy, and two.
    [InlineData("10.0.0.0/8", "10.0.0.1", "192.0.2.1", "192.0.2.1")]
    [InlineData("10.0.0.0/8", "10.0.0.1", "192.0.2.1, 10.0.0.2", "192.0.2.1")]
    // The client has written addresses itself: what the proxy added stands to the right of them.
    [InlineData("10.0.0.0/8", "10.0.0.1", "127.0.0.1, 192.0.2.1", "192.0.2.1")]
    [InlineData("10.0.0.0/8", "10.0.0.1", "10.0.0.7, 192.0.2.1", "192.0.2.1")]
    [InlineData("10.0.0.0/8", "10.0.0.1", "192.0.2.66, 192.0.2.1, 10.0.0.2", "192.0.2.1")]
    // All that is there is trusted: the one that is farthest away.
    [InlineData("10.0.0.0/8", "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3")]
    // What can't be read hides who came to the last one that is believed.
    [InlineData("10.0.0.0/8", "10.0.0.1", "192.0.2.1, unknown", "10.0.0.1")]
    [InlineData("10.0.0.0/8", "10.0.0.1", "192.0.2.1, _secret, 10.0.0.2", "10.0.0.2")]
    [InlineData("10.0.0.0/8", "10.0.0.1", "", "10.0.0.1")]
    [InlineData("10.0.0.0/8", "10.0.0.1", ",,,", "10.0.0.1")]
    // With ports.
    [InlineData("10.0.0.0/8", "10.0.0.1", "192.0.2.1:4711", "192.0.2.1")]
    [InlineData("10.0.0.0/8", "10.0.0.1", "[2001:db8::5]:4711", "2001:db8::/64")]
    [InlineData("10.0.0.0/8", "10.0.0.1", "2001:db8::5", "2001:db8::/64")]
    // A listener on all addresses sees IPv4 as IPv6.
    [InlineData("10.0.0.0/8", "::ffff:10.0.0.1", "192.0.2.1", "192.0.2.1")]
    [InlineData("2001:db8::/32,10.0.0.0/8", "2001:db8::1", "192.0.2.1, 10.9.9.9", "192.0.2.1")]
    public void Behind_proxies_the_first_from_the_right_that_is_not_trusted_counts(string trusted, string peer, string field, string client) =>
        Find(trusted, "X-Forwarded-For", peer, ("X-Forwarded-For", [field])).ShouldBe(client);

    [Theory]
    [InlineData("for=192.0.2.1", "192.0.2.1")]
    [InlineData("for=192.0.2.66, for=192.0.2.1;proto=https;by=10.0.0.1", "192.0.2.1")]
    [InlineData("proto=https; For=\"[2001:db8::1]:80\"", "2001:db8::/64")]
    [InlineData("for=192.0.2.1, for=unknown", "10.0.0.1")]
    [InlineData("by=192.0.2.1", "10.0.0.1")]
    public void The_standard_field_is_read_where_the_proxies_write_it(string field, string client)
    {
        Find("10.0.0.0/8", "Forwarded", "10.0.0.1", ("Forwarded", [field])).ShouldBe(client);
        Find("10.0.0.0/8", "X-Forwarded-For", "10.0.0.1", ("Forwarded", [field])).ShouldBe("10.0.0.1", "a field that the proxies do not write is the client's own");
    }

    [Fact]
    public void Several_lines_of_a_field_are_one_and_no_more_hops_than_a_few_are_followed()
    {
        Find("10.0.0.0/8", "X-Forwarded-For", "10.0.0.1", ("X-Forwarded-For", ["192.0.2.66", "192.0.2.1"])).ShouldBe("192.0.2.1");
        var endless = string.Join(',', Enumerable.Repeat("10.0.0.2", 10_000).Prepend("192.0.2.1"));
        Find("10.0.0.0/8", "X-Forwarded-For", "10.0.0.1", ("X-Forwarded-For", [endless])).ShouldBe("10.0.0.2");
    }

    private static ClientAddress Of(string text) => ClientAddress.Of(IPAddress.Parse(text));

    private static string Find(string trusted, string field, string peer, params (string Name, string[] Lines)[] headers)
    {
        var options = new EdgeCacheOptions { Access = { ForwardedField = field, TrustedProxies = [.. trusted.Split(',', StringSplitOptions.RemoveEmptyEntries)] } };
        var context = new DefaultHttpContext();
        context.Connection.RemoteIpAddress = IPAddress.Parse(peer);
        foreach (var (name, lines) in headers)
            context.Request.Headers[name] = lines;
        return new ClientAddresses(new LiveSettings(new EdgeSettings(options, null))).Of(context).ToString();
    }
}
