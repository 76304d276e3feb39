"""How is the whole product brought up, shown and ended by one command?"""
