/** The time, µs since 1970, anew each minute: a course that ends now goes on. */
import { useEffect, useState } from 'react';

export function useNow(): number {
  const [now, setNow] = useState(() => Date.now() * 1000);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now() * 1000), 60_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
