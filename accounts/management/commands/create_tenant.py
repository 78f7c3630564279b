"""`manage.py create_tenant`: a new shop with its owner's credentials."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.crypto import get_random_string

from accounts.models import Tenant, User


class Command(BaseCommand):
    help = "Create a tenant with an Admin user, and print its credentials; they are shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the shop's name")
        parser.add_argument("email", help="email address of its first user")
        parser.add_argument("--password", help="their password; made up and printed when left out")

    @transaction.atomic
    def handle(self, *, name: str, email: str, password: str | None, **options: Any) -> None:
        if User.objects.filter(email__lower=email.lower()).exists():
            raise CommandError(f"A user {email} exists already.")
        password = password or get_random_string(20)
        try:
            validate_password(password, User(email=email))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        tenant, secret = Tenant.objects.create_tenant(name=name)
        user = User.objects.create_user(email, password, tenant=tenant)
        user.user_groups.add(tenant.user_groups.get(name="Admin"))
        self.stdout.write(f"client_id      {tenant.client_id}")
        self.stdout.write(f"client_secret  {secret}")
        self.stdout.write(f"email          {email}")
        self.stdout.write(f"password       {password}")
