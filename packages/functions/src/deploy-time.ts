export { handler } from './deploy-time/handler.ts';
