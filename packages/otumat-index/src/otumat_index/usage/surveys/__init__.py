"""
A few questions that a project's owners put to whoever says yes on the consent page; nobody has to answer.

Choices are closed, so an answer is two numbers. A change is a new version: what was answered before stays with the
version that was asked. Answers go with their install; what they add up to stays, and is the owners' to see.
"""
