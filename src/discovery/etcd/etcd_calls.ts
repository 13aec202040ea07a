/** How unary calls are made. A member that has lost its leader answers late, or never. */
export const CALL = { timeoutMs: 10_000 } as const;

/** How streams are made: a member that has no leader ends them, instead of being silent. */
export const STREAM = { headers: { hasleader: "true" }, timeoutMs: 0 } as const;
