/**
 * Characters of filters that the filtering function has room for: its variables have 4,096 bytes together, and those that are not
 * the filters take at most some 700. @see AWS Lambda Developer Guide, "Lambda quotas"
 */
export const FILTERS_ROOM = 3396;
