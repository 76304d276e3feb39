"""Which rules are in force, and since when? Bundles stored, activated, remembered, tried beside, and looked back on."""
