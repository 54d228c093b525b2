-- A lock: one step of its life.
--
-- KEYS[1]  the lock; it holds the token of who has it, and expires
-- ARGV     the command, a token, how long the lock is lent (ms)
-- Return 1 when the lock is (for release: was) that of the token, else 0.

local lock, command, token, lease_ms = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local holder = redis.call('GET', lock)

if command == 'acquire' and not holder then
  redis.call('SET', lock, token, 'PX', lease_ms)
  return 1
end
if holder ~= token then return 0 end
if command == 'release' then
  redis.call('DEL', lock)
else
  redis.call('PEXPIRE', lock, lease_ms)
end
return 1
