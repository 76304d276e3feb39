"""What Valkey is asked and told: Lua, run whole or not at all.

A key that is there is as true as the database: what is read from the database is put there with the moment at which reading began
(Valkey's own clock), and whatever is told meanwhile of a key that is not there leaves a mark that refuses it. So no
change falls between reading and putting.
"""

from typing import Final

from riskengine.valkey import Script

_MARK: Final = """
local function micros()
    local now = redis.call('TIME')
    return now[1] * 1000000 + now[2]
end
local function mark(key)
    redis.call('SET', key .. ':n', string.format('%.0f', micros()), 'EX', 60)
end
"""

READ: Final = Script(
    _MARK
    + """
local people = 0
local network = redis.call('HGETALL', KEYS[4])
local weight, since = false, false
for at = 1, #network, 2 do
    local field, value = network[at], network[at + 1]
    if field == 'w' then weight = value
    elseif field == 't' then since = value
    elseif tonumber(value) >= tonumber(ARGV[1]) then people = people + 1 end
end
local stored = redis.call('HMGET', KEYS[1], 's', 'v')
local person = redis.call('HMGET', KEYS[3], 'w', 't')
return {
    stored[1], stored[2], redis.call('HVALS', KEYS[2]), person[1], person[2], weight, since, people,
    redis.call('HGET', KEYS[5], 'b'), string.format('%.0f', micros())
}
"""
)
"""KEYS: state, taught, failures of the person, of the network, session. ARGV: since when people on a network are counted."""

PUT: Final = Script(
    """
local began = tonumber(ARGV[1])
local function is_free(key)
    local marked = redis.call('GET', key .. ':n')
    return redis.call('EXISTS', key) == 0 and (not marked or tonumber(marked) < began)
end
local at = 2
local function take()
    at = at + 1
    return ARGV[at - 1]
end
local state, version, ttl, taught = take(), take(), take(), tonumber(take())
local is_put = state ~= '' and is_free(KEYS[1])
if is_put then
    redis.call('DEL', KEYS[2])
    redis.call('HSET', KEYS[1], 's', state, 'v', version)
    redis.call('EXPIRE', KEYS[1], ttl)
end
for _ = 1, taught do
    local id, content = take(), take()
    if is_put then
        redis.call('HSET', KEYS[2], id, content)
        redis.call('EXPIRE', KEYS[2], 3600)
    end
end
for index = 3, 4 do
    local weight, since, life, fields = take(), take(), take(), tonumber(take())
    local is_put = weight ~= '' and is_free(KEYS[index])
    if is_put then
        redis.call('HSET', KEYS[index], 'w', weight, 't', since)
        redis.call('EXPIRE', KEYS[index], life)
    end
    for _ = 1, fields do
        local who, seen = take(), take()
        if is_put then redis.call('HSET', KEYS[index], who, seen) end
    end
end
local session, number, life = take(), take(), take()
if session ~= '' and is_free(KEYS[5]) then
    redis.call('HSET', KEYS[5], 'b', session, 'v', number)
    redis.call('EXPIRE', KEYS[5], life)
end
"""
)
"""KEYS: as for `READ`. ARGV: when reading began; then of each what to put, as `store` lists it; "" for what is not to be put."""

TELL: Final = Script(
    _MARK
    + """
if ARGV[1] ~= '' then
    if redis.call('EXISTS', KEYS[1]) == 0 then mark(KEYS[1])
    elseif redis.call('HLEN', KEYS[2]) < tonumber(ARGV[3]) then
        redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
        redis.call('EXPIRE', KEYS[2], 3600)
    end
end
local function fail(key, half_life, life, who)
    if redis.call('EXISTS', key) == 0 then return mark(key) end
    local now, found = tonumber(ARGV[4]), redis.call('HMGET', key, 'w', 't')
    local weight, since = tonumber(found[1]), tonumber(found[2])
    if now >= since then
        weight, since = weight * 2 ^ ((since - now) / half_life) + 1, now
    else
        weight = weight + 2 ^ ((now - since) / half_life)
    end
    redis.call('HSET', key, 'w', string.format('%.17g', weight), 't', string.format('%.17g', since))
    if who ~= '' and (redis.call('HEXISTS', key, who) == 1 or redis.call('HLEN', key) < tonumber(ARGV[3])) then
        redis.call('HSET', key, who, string.format('%.17g', now))
    end
    redis.call('EXPIRE', key, life)
end
if ARGV[5] == '1' then fail(KEYS[3], tonumber(ARGV[7]), ARGV[8], '') end
if ARGV[6] == '1' then fail(KEYS[4], tonumber(ARGV[9]), ARGV[10], ARGV[11]) end
"""
)
"""KEYS: state, taught, failures of the person, of the network.

ARGV: the signal's id and what it teaches, or ""; how many are held; now, in seconds; whether it failed for the person, and on the
network; half-life and life of each; who.
"""

PUBLISH: Final = Script(
    _MARK
    + """
local held = redis.call('HGET', KEYS[1], 'v')
if not held then
    mark(KEYS[1])
    return
end
if tonumber(held) < tonumber(ARGV[1]) then
    redis.call('HSET', KEYS[1], 's', ARGV[2], 'v', ARGV[1])
    redis.call('EXPIRE', KEYS[1], ARGV[3])
end
for at = 4, #ARGV do redis.call('HDEL', KEYS[2], ARGV[at]) end
"""
)
"""KEYS: state, taught. ARGV: version, state, life, and the ids of signals that it holds."""

TAUGHT: Final = Script(
    """
local found = {}
for at, key in ipairs(KEYS) do found[at] = redis.call('HKEYS', key) end
return found
"""
)
"""KEYS: taught, of some people. Gives the ids of each."""

RAISE: Final = Script(
    _MARK
    + """
local held = redis.call('HGET', KEYS[1], 'v')
if held and tonumber(held) >= tonumber(ARGV[1]) then return end
redis.call('HSET', KEYS[1], 'b', ARGV[2], 'v', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
mark(KEYS[1])
"""
)
"""KEYS: session. ARGV: version, content, life."""

FORGET: Final = Script(
    _MARK
    + """
for _, key in ipairs(KEYS) do
    redis.call('DEL', key)
    mark(key)
end
"""
)
"""KEYS: whatever is to be read from the database again."""
