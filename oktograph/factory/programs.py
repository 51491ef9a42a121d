"""What programs get in by at a factory: the token endpoint, and the demo's documented accounts."""

from domain.identity.api_keys import operations as api_keys
from domain.identity.api_keys import rules as key_rules
from domain.identity.oauth import operations as oauth
from domain.identity.oauth import rules as oauth_rules
from domain.identity.oauth.ports import OAuthServices
from domain.kernel.actor import system_actor
from drivers.identity.oauth.protocol import AuthlibProtocol
from oktograph.core import Core

DAY_S = 24 * 3_600


def oauth_services(core: Core) -> OAuthServices:
    settings = core.settings
    return OAuthServices(
        AuthlibProtocol(core.macs, core.clock),
        refresh_lifetime_s=round(settings.refresh_token_lifetime_days * DAY_S),
    )


async def program_accounts(core: Core) -> None:
    """With the demo its client and its API key open, without it they do not."""
    actor = system_actor("bootstrap", core.customer.id)
    async with core.transactions.begin(actor) as work:
        if not core.settings.demo:
            await oauth.retire_demo_client(work)
            await api_keys.retire_demo_key(work)
            return
        secret, key = oauth_rules.DEMO_CLIENT.secret, key_rules.DEMO_KEY.key
        await oauth.ensure_demo_client(work, core.macs.of(oauth_rules.PURPOSE, secret))
        await api_keys.ensure_demo_key(work, core.macs.of(key_rules.PURPOSE, key))
