/** Names that the template gives where `ResourceNames` is `fixed`. */
const FIXED: Readonly<Record<string, string>> = {
  ECRImageActionEventBridgeRule: 'ECRImageActionEventBridgeRule',
  RepositoryNameParsingLambda: 'RepositoryNameParsingLambda',
};

/** Longest name of a function, a role and a rule. */
const MAX_LENGTH = 64;

/** What CloudFormation puts at the end of a name that it makes up. */
const RANDOM = '1A2B3C4D5E6F7';

/**
 * Name of a resource. One that CloudFormation makes up is `STACK-LOGICALID-RANDOM`, and the logical id is cut where that is too
 * long, which by the guide's notes happens from stack names of 12, 16, 19 and 22 characters on. What becomes of stack names that are much
 * longer we do not know: it is said that they are cut themselves.
 */
export function physicalName(id: string, stack: string, names: 'fixed' | 'generated'): string {
  const fixed = names === 'fixed' ? FIXED[id] : undefined;
  const room = MAX_LENGTH - stack.length - RANDOM.length - 2;
  return fixed ?? `${stack}-${id.slice(0, room)}-${RANDOM}`;
}
