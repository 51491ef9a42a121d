async def sync_services(settings, stack):
    return None
