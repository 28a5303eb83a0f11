/**
 * Decides whether an order may be placed: large ones wait for a person, blocked e-mail domains are refused.
 *
 * Totals are minor units of the order's currency. What is not configured is not looked at.
 *
 *     { "review_total": 50000, "review_quantity": 20, "blocked_domains": ["mailinator.com"] }
 */
import { write } from "orderwright:policy/log@%%wit%%";
import type * as Screening from "orderwright:policy/screening@%%wit%%";
import type { Answer, Input } from "orderwright:policy/screening@%%wit%%";

interface Config {
  review_total?: number;
  review_quantity?: number;
  blocked_domains?: string[];
}

function screen(input: Input): Answer {
  const config: Config = JSON.parse(input.context.config);
  const domain = (input.emailDomain ?? "").toLowerCase();
  if (config.blocked_domains?.includes(domain)) {
    return { verdict: "reject", score: 1000, reasons: ["the e-mail domain is blocked"] };
  }
  const reasons: string[] = [];
  if (config.review_total !== undefined && input.total >= config.review_total) {
    reasons.push("the total is large");
  }
  const most = Math.max(0, ...input.lines.map((line) => line.quantity));
  if (config.review_quantity !== undefined && most >= config.review_quantity) {
    reasons.push(`${most} units of one article`);
  }
  const score = reasons.length > 0 ? 500 : 0;
  write("info", `${input.lines.length} lines, score ${score}`);
  return { verdict: reasons.length > 0 ? "review" : "accept", score, reasons };
}

export const screening: typeof Screening = { screen };
