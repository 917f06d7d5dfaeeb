"""E-mail addresses as the edges take them: what the domain asks, and what the mail world does."""

from email_validator import EmailNotValidError, validate_email

from domain.email import EmailAddress, InvalidEmail


def parse_email(text: str) -> EmailAddress:
    """Nothing is looked up and nothing is forgiven, but that the domain is lower-cased. Raises `InvalidEmail`."""
    try:
        return EmailAddress(validate_email(text, check_deliverability=False, allow_display_name=False).normalized)
    except EmailNotValidError:
        raise InvalidEmail from None
