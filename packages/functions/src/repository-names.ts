export { handler } from './repository-names/handler.ts';
