using EdgeCache.Edge.Access;
using EdgeCache.Edge.Configuration;
using EdgeCache.Edge.Limits;

namespace EdgeCache.Edge.Tests.Limits;

public sealed class RequestLimiterTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly ClientAddress Here = LimiterFixture.Address("192.0.2.1");
    private static readonly Principal Builder = new("builder") { Scopes = Scopes.All };

    [Fact]
    public void In_a_minute_an_address_gets_its_rate_and_its_burst()
    {
        var fixture = new LimiterFixture(o => o.RateLimits.Address = new() { RequestsPerSecond = 50, Burst = 500 });
        var admitted = fixture.Count(60_000, Minute, () => fixture.Limiter.AdmitClient(Here, null));
        ((double)admitted).ShouldBe(3_500, 35);
    }

    [Fact]
    public void One_greedy_client_does_not_take_the_share_of_nine_polite_ones()
    {
        var fixture = new LimiterFixture(o =>
        {
            o.RateLimits.Global = new() { RequestsPerSecond = 1_000, Burst = 100 };
            o.RateLimits.Address = new() { RequestsPerSecond = 100, Burst = 10 };
        });
        var addresses = Enumerable.Range(1, 10).Select(i => LimiterFixture.Address($"192.0.2.{i}")).ToArray();
        var admitted = new int[10];
        var asked = new int[10];
        for (var step = 0; step < 60_000; step++)
        {
            // The greedy one asks ten times every millisecond, the polite ones ninety times a second each.
            for (var i = 0; i < 10; i++)
                Ask(0);
            for (var polite = 1; polite < 10; polite++)
            {
                if ((step + polite) % 11 == 0)
                    Ask(polite);
            }
            fixture.Time.Advance(TimeSpan.FromMilliseconds(1));
        }

        for (var polite = 1; polite < 10; polite++)
            admitted[polite].ShouldBe(asked[polite]);
        ((double)admitted[0]).ShouldBe(6_010, 60);

        void Ask(int client)
        {
            asked[client]++;
            if (fixture.Limiter.AdmitClient(addresses[client], null).IsAdmitted)
                admitted[client]++;
        }
    }

    [Fact]
    public void Somebody_over_a_limit_of_its_own_leaves_the_global_one_to_others()
    {
        var fixture = new LimiterFixture(o =>
        {
            o.RateLimits.Global = new() { RequestsPerSecond = 1, Burst = 10 };
            o.RateLimits.Principal = new() { RequestsPerSecond = 1, Burst = 1 };
        });
        for (var i = 0; i < 100; i++)
        {
            fixture.Limiter.AdmitClient(Here, Recollection.Good).IsAdmitted.ShouldBeTrue();
            fixture.Limiter.AdmitPrincipal(Builder, "artifacts").IsAdmitted.ShouldBe(i == 0);
        }
        for (var i = 0; i < 9; i++)
            fixture.Limiter.AdmitClient(LimiterFixture.Address("192.0.2.7"), null).IsAdmitted.ShouldBeTrue();
        var verdict = fixture.Limiter.AdmitClient(Here, null);
        verdict.IsAdmitted.ShouldBeFalse();
        verdict.Limit!.Name.ShouldBe("global");
    }

    [Fact]
    public void A_full_node_does_not_charge_an_address_for_what_it_refuses()
    {
        var fixture = new LimiterFixture(o =>
        {
            o.RateLimits.Global = new() { RequestsPerSecond = 1, Burst = 1 };
            o.RateLimits.Address = new() { RequestsPerSecond = 1, Burst = 3 };
        });
        for (var i = 0; i < 50; i++)
            fixture.Limiter.AdmitClient(Here, null);
        fixture.Time.Advance(TimeSpan.FromSeconds(1));
        fixture.Limiter.AdmitClient(Here, null).IsAdmitted.ShouldBeTrue();
        fixture.Limiter.AdmitClient(Here, null).Limit!.Name.ShouldBe("global");
    }

    [Fact]
    public void A_principal_has_its_own_limit_wherever_it_comes_from_and_one_of_its_token_before_that_of_all()
    {
        var fixture = new LimiterFixture(o => o.RateLimits.Principal = new() { RequestsPerSecond = 1, Burst = 5 });
        var special = new Principal("special") { Limits = new Rate(1, 20, 0) };
        Enumerable.Range(0, 100).Count(_ => fixture.Limiter.AdmitPrincipal(Builder, "artifacts").IsAdmitted).ShouldBe(5);
        Enumerable.Range(0, 100).Count(_ => fixture.Limiter.AdmitPrincipal(special, "artifacts").IsAdmitted).ShouldBe(20);
        Enumerable.Range(0, 100).Count(_ => fixture.Limiter.AdmitPrincipal(Principal.Anonymous, "artifacts").IsAdmitted).ShouldBe(100);
    }

    [Fact]
    public void A_namespace_has_a_limit_for_all_and_a_refusal_there_costs_a_principal_nothing()
    {
        var fixture = new LimiterFixture(o =>
        {
            o.RateLimits.Principal = new() { RequestsPerSecond = 1, Burst = 10 };
            o.Namespaces["slow"] = new NamespaceOptions { Rate = new() { RequestsPerSecond = 1, Burst = 2 } };
        });
        Enumerable.Range(0, 50).Count(_ => fixture.Limiter.AdmitPrincipal(Builder, "slow").IsAdmitted).ShouldBe(2);
        Enumerable.Range(0, 50).Count(_ => fixture.Limiter.AdmitPrincipal(Builder, "artifacts").IsAdmitted).ShouldBe(8);
    }

    [Fact]
    public void Bytes_that_flowed_are_paid_for_before_the_next_request()
    {
        var fixture = new LimiterFixture(o => o.RateLimits.Principal = new() { BytesPerSecond = new ByteSize(1_000_000) });
        fixture.Limiter.CountsBytes(Builder).ShouldBeTrue();
        fixture.Limiter.AdmitPrincipal(Builder, "artifacts").IsAdmitted.ShouldBeTrue();
        fixture.Limiter.ChargeBytes(Builder, Here, "artifacts", 5_000_000);
        var refused = fixture.Limiter.AdmitPrincipal(Builder, "artifacts");
        refused.Unit.ShouldBe(LimitUnit.Bytes);
        TimeSpan.FromTicks(refused.Wait / 100).ShouldBe(TimeSpan.FromSeconds(4), TimeSpan.FromMilliseconds(10));
        fixture.Limiter.AdmitPrincipal(new Principal("other"), "artifacts").IsAdmitted.ShouldBeTrue();
        fixture.Time.Advance(TimeSpan.FromSeconds(4));
        fixture.Limiter.AdmitPrincipal(Builder, "artifacts").IsAdmitted.ShouldBeTrue();
    }

    [Fact]
    public void In_a_minute_as_many_bytes_flow_as_the_limit_says_and_a_seconds_worth()
    {
        const int Each = 10_000;
        var fixture = new LimiterFixture(o => o.Namespaces["artifacts"].Rate = new() { BytesPerSecond = new ByteSize(1_000_000) });
        var bytes = 0L;
        for (var i = 0; i < 60_000; i++)
        {
            if (fixture.Limiter.AdmitPrincipal(Builder, "artifacts").IsAdmitted)
            {
                fixture.Limiter.ChargeBytes(Builder, Here, "artifacts", Each);
                bytes += Each;
            }
            fixture.Time.Advance(TimeSpan.FromMilliseconds(1));
        }
        ((double)bytes).ShouldBe(61_000_000, 610_000);
    }

    [Fact]
    public void Good_credentials_are_no_try_and_wrong_ones_are()
    {
        var fixture = new LimiterFixture(o => (o.RateLimits.AttemptsPerSecond, o.RateLimits.AttemptBurst) = (1, 5));
        for (var i = 0; i < 100; i++)
        {
            fixture.Limiter.AdmitClient(Here, Recollection.New).IsAdmitted.ShouldBeTrue();
            fixture.Limiter.ReturnAttempt(Here);
        }
        Enumerable.Range(0, 100).Count(_ => fixture.Limiter.AdmitClient(Here, Recollection.New).IsAdmitted).ShouldBe(5);
        fixture.Limiter.AdmitClient(Here, Recollection.Good).IsAdmitted.ShouldBeTrue("who was known before is not affected");
        fixture.Limiter.AdmitClient(LimiterFixture.Address("192.0.2.2"), Recollection.New).IsAdmitted.ShouldBeTrue();
    }

    [Fact]
    public void Buckets_outlast_a_change_of_the_settings()
    {
        var fixture = new LimiterFixture(o => o.Namespaces["artifacts"].Rate = new() { RequestsPerSecond = 1, Burst = 3 });
        Enumerable.Range(0, 9).Count(_ => fixture.Limiter.AdmitPrincipal(Builder, "artifacts").IsAdmitted).ShouldBe(3);
        fixture.Live.Publish(LimiterFixture.SettingsOf(o => o.Namespaces["artifacts"].Rate = new() { RequestsPerSecond = 1, Burst = 4 }));
        Enumerable.Range(0, 9).Count(_ => fixture.Limiter.AdmitPrincipal(Builder, "artifacts").IsAdmitted).ShouldBe(1);
        fixture.Live.Publish(LimiterFixture.SettingsOf(o => o.RateLimits.Enabled = false));
        fixture.Limiter.IsEnabled.ShouldBeFalse();
    }

    [Fact]
    public void A_decision_allocates_nothing()
    {
        var fixture = new LimiterFixture(o =>
        {
            o.RateLimits.Global = new() { RequestsPerSecond = 1_000_000, Burst = 1_000_000 };
            o.RateLimits.Address = new() { RequestsPerSecond = 1_000, Burst = 1_000 };
            o.RateLimits.Principal = new() { RequestsPerSecond = 1_000_000, Burst = 1_000_000, BytesPerSecond = ByteSize.FromGiB(1) };
            o.Namespaces["artifacts"].Rate = new() { RequestsPerSecond = 1_000_000, Burst = 1_000_000 };
        });
        Decide(100);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Decide(20_000);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);

        void Decide(int count)
        {
            for (var i = 0; i < count; i++)
            {
                fixture.Limiter.AdmitClient(new ClientAddress((ulong)i + 10), null);
                fixture.Limiter.AdmitPrincipal(Builder, "artifacts");
                fixture.Limiter.ChargeBytes(Builder, Here, "artifacts", 4096);
            }
        }
    }
}
