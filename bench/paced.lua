-- wrk asks this how many milliseconds a connection rests before its next request.
function delay()
  return math.random(2, 6)
end
