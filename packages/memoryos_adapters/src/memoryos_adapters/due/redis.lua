-- The due-set: one call of its port, in one step.
--
-- KEYS[1]  how all keys begin; the hash tag in it keeps them in one slot
-- ARGV     the command and its arguments; scopes are opaque, moments are microseconds since 1970
--
--   at      sorted set of scopes by the moment they are due; of a claimed one it is the end of its lease
--   fences  of the claimed scopes, by scope
--   again   when a claimed scope is due after its lease, by scope, if something was added meanwhile
--   fence   the last one that was given
--
-- Moments and fences are whole numbers below 2^53 and so exact in Lua; only `tostring` and `..` would round them.

local base, command = KEYS[1], ARGV[1]
local AT, FENCES, AGAIN, FENCE = base .. ':at', base .. ':fences', base .. ':again', base .. ':fence'

local function earlier(one, other)
  if not one or not other then return one or other end
  return tonumber(one) <= tonumber(other) and one or other
end

-- Return a fence that was never given before. It is not below the clock, so that a server which has lost its last
-- writes (a replica that was promoted) does not give one anew.
local function next_fence(now)
  local fence = string.format('%.0f', math.max((redis.call('GET', FENCE) or 0) + 1, now))
  redis.call('SET', FENCE, fence)
  return fence
end

local function forget(scope)
  redis.call('ZREM', AT, scope)
  redis.call('HDEL', FENCES, scope)
  redis.call('HDEL', AGAIN, scope)
end

local commands = {}

-- scope, moment
function commands.add()
  local scope, at = ARGV[2], ARGV[3]
  if redis.call('HEXISTS', FENCES, scope) == 1 then
    redis.call('HSET', AGAIN, scope, earlier(redis.call('HGET', AGAIN, scope), at))
  else
    redis.call('ZADD', AT, 'LT', at, scope)
  end
end

-- now, limit, end of the leases; return scopes and fences in turn
function commands.claim()
  local now, limit, till = ARGV[2], ARGV[3], ARGV[4]
  local leases = {}
  for _, scope in ipairs(redis.call('ZRANGEBYSCORE', AT, '-inf', now, 'LIMIT', 0, limit)) do
    local fence, again = next_fence(tonumber(now)), redis.call('HGET', AGAIN, scope)
    redis.call('ZADD', AT, till, scope)
    redis.call('HSET', FENCES, scope, fence)
    -- what was added for later, under a lease that ran out, stays
    if again and tonumber(again) <= tonumber(now) then redis.call('HDEL', AGAIN, scope) end
    leases[#leases + 1] = scope
    leases[#leases + 1] = fence
  end
  return leases
end

-- scope, fence, the moment it is due again (empty: none)
function commands.finish()
  local scope, fence, again = ARGV[2], ARGV[3], ARGV[4] ~= '' and ARGV[4]
  if redis.call('HGET', FENCES, scope) ~= fence then return end
  local at = earlier(redis.call('HGET', AGAIN, scope), again)
  forget(scope)
  if at then redis.call('ZADD', AT, at, scope) end
end

-- scope
function commands.erase()
  forget(ARGV[2])
end

return commands[command]()
